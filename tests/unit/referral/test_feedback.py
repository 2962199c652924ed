"""Feedback on a referral: it counts from the partner that was asked, and until the referral is closed."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from chassis.testing.scenario import Scenario
from contracts.event import Event
from contracts.intake import ReferralFeedbackReceived
from contracts.referral import ReferralAcknowledged, ReferralClosed
from contracts.vocabulary import ReferralId, ReferralOutcome, ReferralProgress, Subregion, Topic
from services.referral.adapters.reference import belgian_working_days, read_directory
from services.referral.application.handlers import Handlers
from services.referral.domain.referral import Referral
from tests.builders import MONDAY, a_question

ACKNOWLEDGED, PROGRESSED, CLOSED = (
    ReferralProgress.ACKNOWLEDGED,
    ReferralProgress.PROGRESSED,
    ReferralProgress.CLOSED,
)


def a_referral_to_the_clb() -> tuple[Scenario, Referral]:
    scenario = Scenario(Handlers(read_directory(), belgian_working_days()))
    scenario.when(a_question(topics=(Topic.T03,), subregion=Subregion.WESTHOEK))
    (referral,) = scenario.all(Referral)
    assert referral.service_id == "clb-westhoek"
    return scenario, referral


def feedback(referral: Referral, progress: ReferralProgress = ACKNOWLEDGED, **given: Any) -> ReferralFeedbackReceived:
    return ReferralFeedbackReceived(
        **{
            "referral_id": ReferralId(referral.id),
            "progress": progress,
            "happened_on": MONDAY,
            "source": "clb-west",
            "outcome": ReferralOutcome.HELPED if progress is CLOSED else None,
        }
        | given
    )


def types(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


@pytest.mark.parametrize(("day", "in_time"), [(date(2026, 11, 26), True), (date(2026, 11, 27), False)])
def test_an_acknowledgement_is_in_time_until_the_day_that_it_was_due(day: date, in_time: bool) -> None:
    scenario, referral = a_referral_to_the_clb()
    (event,) = scenario.when(feedback(referral, happened_on=day))
    assert isinstance(event, ReferralAcknowledged)
    assert (event.service_id, event.acknowledged_on, event.in_time) == ("clb-westhoek", day, in_time)


def test_progress_acknowledges_what_was_not_acknowledged_and_publishes_it_once() -> None:
    scenario, referral = a_referral_to_the_clb()
    assert types(scenario.when(feedback(referral, PROGRESSED))) == [ReferralAcknowledged]
    assert scenario.when(feedback(referral, ACKNOWLEDGED)) == scenario.when(feedback(referral, PROGRESSED)) == []


def test_it_is_closed_once_with_its_outcome() -> None:
    scenario, referral = a_referral_to_the_clb()
    (event,) = scenario.when(feedback(referral, CLOSED, outcome=ReferralOutcome.NOT_COMPETENT))
    assert isinstance(event, ReferralClosed)
    assert event.outcome is ReferralOutcome.NOT_COMPETENT
    assert scenario.when(feedback(referral, ACKNOWLEDGED)) == scenario.when(feedback(referral, CLOSED)) == []


def test_a_partner_that_was_not_asked_changes_nothing() -> None:
    scenario, referral = a_referral_to_the_clb()
    assert scenario.when(feedback(referral, CLOSED, source="vdab")) == []
    assert types(scenario.when(feedback(referral, CLOSED))) == [ReferralClosed]


def test_feedback_on_an_unknown_referral_changes_nothing() -> None:
    scenario, referral = a_referral_to_the_clb()
    assert scenario.when(feedback(referral, referral_id=ReferralId(uuid4()))) == []
