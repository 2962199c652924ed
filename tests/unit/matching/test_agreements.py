"""An agreement that a partner tells of: it is told on once, and the search rests meanwhile."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from contracts.event import Event
from contracts.intake import AgreementReported, LearnerSearchStarted
from contracts.matching import AgreementEnded, AgreementRegistered
from contracts.vocabulary import AgreementId, AgreementStatus, EndReason, LearnerId
from tests.builders import MONDAY, a_learner_search, a_workplace
from tests.unit.matching.test_handlers import Matching


def reported(search: LearnerSearchStarted, **given: Any) -> AgreementReported:
    return AgreementReported(
        **{
            "agreement_id": AgreementId(uuid4()),
            "learner_id": LearnerId(search.learner_id),
            "status": AgreementStatus.REGISTERED,
            "happened_on": MONDAY,
            "ends_on": date(2027, 6, 30),
            "source": "schoolsoft",
        }
        | given
    )


def ended(agreement: AgreementReported, on: date = MONDAY) -> AgreementReported:
    return AgreementReported(
        agreement_id=agreement.agreement_id,
        learner_id=agreement.learner_id,
        status=AgreementStatus.ENDED,
        happened_on=on,
        reason=EndReason.BY_COMPANY,
        source=agreement.source,
    )


def types(facts: list[Event]) -> list[type[Event]]:
    return [type(fact) for fact in facts]


def test_while_a_learner_has_an_agreement_nothing_is_proposed() -> None:
    search = a_learner_search()
    matching = Matching(search)
    assert types(matching.when(reported(search))) == [AgreementRegistered]
    assert matching.learners_of(a_workplace()) == []


def test_after_its_last_day_the_learner_is_proposed_again() -> None:
    search = a_learner_search()
    matching = Matching(search)
    matching.when(reported(search, ends_on=MONDAY))
    assert matching.learners_of(a_workplace()) == []
    assert matching.learners_of(a_workplace(), days_later=1) == [search.learner_id]


def test_when_it_ends_early_the_search_goes_on() -> None:
    search = a_learner_search()
    matching = Matching(search)
    matching.when(agreement := reported(search))
    (fact,) = matching.when(ended(agreement))
    assert isinstance(fact, AgreementEnded)
    assert (fact.ended_on, fact.reason) == (MONDAY, EndReason.BY_COMPANY)
    assert matching.learners_of(a_workplace()) == [search.learner_id]


def test_it_is_told_on_once_however_often_a_partner_tells_it() -> None:
    search = a_learner_search()
    matching = Matching(search)
    matching.when(agreement := reported(search))
    assert matching.when(agreement) == []
    matching.when(ended(agreement))
    assert matching.when(ended(agreement, MONDAY + timedelta(days=1))) == matching.when(agreement) == []
    assert matching.learners_of(a_workplace()) == [search.learner_id]


def test_an_agreement_of_a_learner_who_does_not_search_is_told_on_as_well() -> None:
    matching = Matching()
    agreement = reported(a_learner_search())
    assert types(matching.when(ended(agreement))) == [AgreementEnded]
    assert matching.when(agreement) == []
