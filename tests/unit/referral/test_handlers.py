"""What referral does for each event."""

from datetime import date

from chassis.testing.scenario import Scenario
from contracts.referral import ReferralCreated
from contracts.vocabulary import AgeBand, Audience, ReferralKind, RiskSignal, Subregion, Topic
from services.referral.adapters.reference import belgian_working_days, read_directory
from services.referral.application.handlers import Handlers
from tests.builders import a_learner_at_risk, a_question


def the_referral_of(message: object) -> ReferralCreated:
    (event,) = Scenario(Handlers(read_directory(), belgian_working_days())).when(message)
    assert isinstance(event, ReferralCreated)
    return event


def test_a_parent_who_asks_whether_dual_is_right_is_brought_to_the_clb_of_the_region() -> None:
    referral = the_referral_of(a_question(topics=(Topic.T03,), audience=Audience.OUDER, subregion=Subregion.WESTHOEK))
    assert referral.service_id == "clb-westhoek"
    assert referral.kind is ReferralKind.WARM
    assert referral.due_on == date(2026, 11, 26)


def test_only_the_first_topic_of_a_question_is_referred() -> None:
    assert the_referral_of(a_question(topics=(Topic.T10, Topic.T03))).topic is Topic.T10


def test_the_rule_that_decided_stands_on_the_referral() -> None:
    referral = the_referral_of(a_question(topics=(Topic.T03,), subregion=Subregion.WESTHOEK))
    assert (referral.rule_id, referral.rule_version) == ("T03-WESTHOEK", "2025-09-01")


def test_distress_has_to_be_answered_the_same_day() -> None:
    assert the_referral_of(a_question(topics=(Topic.T26,))).due_on == date(2026, 11, 23)


def test_a_learner_who_left_without_a_school_is_referred_within_one_working_day() -> None:
    referral = the_referral_of(a_learner_at_risk(signal=RiskSignal.R9, age_band=AgeBand.FROM_18_TO_25))
    assert (referral.topic, referral.due_on) == (Topic.T20, date(2026, 11, 24))
    assert referral.audience is None
    assert "vdab" in referral.service_id
