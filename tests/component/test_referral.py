"""Referral on a real PostgreSQL; every event is delivered twice."""

import pytest

from chassis.record import Outcome
from chassis.service import Service
from chassis.testing.harness import ServiceUnderTest
from contracts.intake import CaseClosed
from contracts.referral import ReferralAcknowledged, ReferralClosed, ReferralCreated
from contracts.vocabulary import CaseOutcome, ReferralOutcome, Subregion, Topic
from services.referral.app import build
from services.referral.domain.referral import Referral
from services.referral.settings import ReferralSettings
from tests.builders import MONDAY, a_learner_at_risk, a_question, a_workplace
from tests.unit.referral.test_feedback import CLOSED, PROGRESSED, feedback


@pytest.fixture(scope="session")
def service() -> Service:
    return build(ReferralSettings(database_url="unused"))


async def test_a_question_and_a_risk_get_one_referral_each_however_often_they_arrive(
    under_test: ServiceUnderTest,
) -> None:
    question, risk = a_question(), a_learner_at_risk()
    assert await under_test.deliver(question, risk) == [Outcome.HANDLED, Outcome.HANDLED]
    events = await under_test.events()
    assert {(f.question_id, f.risk_id) for f in events if isinstance(f, ReferralCreated)} == {
        (question.question_id, None),
        (None, risk.risk_id),
    }
    assert len(events) == 2


async def test_what_is_kept_is_what_was_published(under_test: ServiceUnderTest) -> None:
    await under_test.deliver(a_question())
    (event,) = await under_test.events()
    (referral,) = await under_test.all(Referral)
    assert isinstance(event, ReferralCreated)
    assert (referral.id, referral.service_id, referral.due_on) == (event.referral_id, event.service_id, event.due_on)


async def test_events_that_are_not_referrals_business_are_ignored(under_test: ServiceUnderTest) -> None:
    assert await under_test.deliver(a_workplace()) == [Outcome.IGNORED]


async def test_feedback_of_the_partner_is_kept_and_published(under_test: ServiceUnderTest) -> None:
    await under_test.deliver(a_question(topics=(Topic.T03,), subregion=Subregion.WESTHOEK))
    (referral,) = await under_test.all(Referral)
    await under_test.deliver(feedback(referral, PROGRESSED), feedback(referral, CLOSED))
    assert [type(event) for event in await under_test.events()] == [
        ReferralCreated,
        ReferralAcknowledged,
        ReferralClosed,
    ]
    (closed,) = await under_test.all(Referral)
    assert (closed.progressed_on, closed.closed_on, closed.outcome) == (MONDAY, MONDAY, ReferralOutcome.HELPED)


async def test_a_case_that_is_withdrawn_closes_its_referrals_also_in_the_batch_that_opened_them(
    under_test: ServiceUnderTest,
) -> None:
    question = a_question(topics=(Topic.T03,), subregion=Subregion.WESTHOEK)
    withdrawn = CaseClosed(case_id=question.case_id, outcome=CaseOutcome.WITHDRAWN, closed_on=MONDAY)
    await under_test.deliver(a_question(), question, withdrawn)
    kept = {one.case_id == question.case_id: one for one in await under_test.all(Referral)}
    assert (kept[True].closed_on, kept[True].outcome) == (MONDAY, ReferralOutcome.DECLINED)
    assert kept[False].closed_on is None
    assert [type(event) for event in await under_test.events()] == [ReferralCreated, ReferralCreated, ReferralClosed]
    assert await under_test.deliver(withdrawn.model_copy()) == [Outcome.HANDLED]
    assert len(await under_test.events()) == 3
