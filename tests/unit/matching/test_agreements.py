"""An agreement that a partner reports is published once, and the search rests while it runs, in any order."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import permutations
from operator import attrgetter
from typing import Any
from uuid import uuid4

from chassis.testing.builders import a_context
from contracts.event import Event
from contracts.intake import AgreementReported, LearnerSearchStarted
from contracts.matching import AgreementEnded, AgreementRegistered
from contracts.vocabulary import AgreementId, AgreementStatus, EndReason, LearnerId
from services.matching.domain.agreement import Agreement
from services.matching.domain.learner_search import LearnerSearch
from tests.builders import MONDAY, a_learner_search, a_workplace
from tests.unit.matching.test_handlers import Matching
from tests.unit.matching.test_lapses import AFTER_IT


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


def types(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


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
    (event,) = matching.when(ended(agreement))
    assert isinstance(event, AgreementEnded)
    assert (event.ended_on, event.reason) == (MONDAY, EndReason.BY_COMPANY)
    assert matching.learners_of(a_workplace()) == [search.learner_id]


def test_it_is_published_once_however_often_a_partner_reports_it() -> None:
    search = a_learner_search()
    matching = Matching(search)
    matching.when(agreement := reported(search))
    assert matching.when(agreement) == []
    matching.when(ended(agreement))
    assert matching.when(ended(agreement, MONDAY + timedelta(days=1))) == matching.when(agreement) == []
    assert matching.learners_of(a_workplace()) == [search.learner_id]


def test_an_agreement_of_a_learner_who_does_not_search_is_published_too() -> None:
    matching = Matching()
    agreement = reported(a_learner_search())
    assert types(matching.when(ended(agreement))) == [AgreementEnded]
    assert matching.when(agreement) == []


def test_a_search_rests_also_when_its_agreement_was_reported_first() -> None:
    search = a_learner_search()
    matching = Matching()
    matching.when(reported(search))
    assert matching.proposals(search) == matching.proposals(a_workplace()) == []


def test_the_end_of_a_former_agreement_that_comes_late_ends_that_one_alone() -> None:
    search = a_learner_search()
    former, running = reported(search), reported(search)
    matching = Matching(search)
    for event in (former, running, ended(former)):
        matching.when(event)
    assert matching.learners_of(a_workplace()) == []


def test_a_search_that_is_started_again_rests_as_before() -> None:
    search = a_learner_search()
    matching = Matching(search)
    matching.when(reported(search))
    assert matching.proposals(search) == matching.proposals(a_workplace()) == []


def test_a_learner_who_has_an_agreement_and_starts_another_search_after_it_is_proposed_again() -> None:
    search = a_learner_search(started_on=MONDAY + timedelta(days=1))
    matching = Matching(a_workplace())
    matching.when(reported(search))
    assert matching.learners_of(search) == [search.learner_id]


def test_a_proposal_that_an_agreement_follows_from_does_not_lapse() -> None:
    search = a_learner_search()
    matching = Matching(a_workplace())
    (proposal,) = matching.proposals(search)
    matching.when(agreement := reported(search, proposal_id=proposal.proposal_id))
    matching.when(ended(agreement))
    assert matching.until(AFTER_IT) == []


def test_an_agreement_whose_end_is_reported_first_decided_its_proposal_too() -> None:
    search = a_learner_search()
    matching = Matching(a_workplace())
    (proposal,) = matching.proposals(search)
    agreement = reported(search, proposal_id=proposal.proposal_id)
    matching.when(ended(agreement))
    matching.when(agreement)
    assert matching.until(AFTER_IT) == []


def test_a_proposal_that_was_decided_is_open_no_more() -> None:
    search = a_learner_search()
    matching = Matching(*(a_workplace() for _ in range(3)))
    proposal, *_ = matching.proposals(search)
    matching.when(agreement := reported(search, proposal_id=proposal.proposal_id))
    matching.when(ended(agreement))
    assert matching.learners_of(a_workplace()) == [search.learner_id]


def in_every_order(*streams: Sequence[Event]) -> Iterator[list[Event]]:
    """Every interleaving of the topics; within one key the order is kept."""
    turns = [at for at, stream in enumerate(streams) for _ in stream]
    for order in sorted(set(permutations(turns))):
        left = [iter(stream) for stream in streams]
        yield [next(left[at]) for at in order]


def kept(matching: Matching) -> list[LearnerSearch | Agreement]:
    return sorted([*matching.all(LearnerSearch), *matching.all(Agreement)], key=attrgetter("id.int"))


def test_in_whatever_order_topics_arrive_the_search_rests_the_same() -> None:
    search = a_learner_search()
    again = search.model_copy(update={"started_on": MONDAY + timedelta(days=7)})
    former, running = reported(search), reported(search, happened_on=MONDAY + timedelta(days=9))
    ends = []
    for order in in_every_order([search, again], [former, ended(former)], [running]):
        matching = Matching()
        for event in order:
            matching.when(event)
        ends.append(kept(matching))
        assert matching.learners_of(a_workplace()) == []
    assert len(ends) == 30
    assert all(end == ends[0] for end in ends)


def test_in_whatever_order_topics_arrive_the_same_proposal_is_decided() -> None:
    search, workplace, started = a_learner_search(), a_workplace(), a_context()
    again = search.model_copy(update={"started_on": MONDAY + timedelta(days=7)})
    follows = reported(search, proposal_id=started.new_id(f"proposal/{search.learner_id}/{workplace.workplace_id}"))
    ends = []
    for order in in_every_order([again], [follows, ended(follows)], [reported(search)]):
        matching = Matching(workplace)
        matching.when(search, started)
        for event in order:
            matching.when(event)
        ends.append(kept(matching))
        assert matching.until(AFTER_IT) == []
    assert len(ends) == 12
    assert all(end == ends[0] for end in ends)
