"""The directory: the most specific rule wins."""

from dataclasses import replace
from datetime import date

import pytest

from contracts.vocabulary import AgeBand, Audience, ReferralKind, RiskSignal, Subregion, Topic
from services.referral.domain.directory import Directory, Enquiry, NoRule, Rule, SignalRule

TODAY = date(2026, 11, 23)
A_RULE = Rule(
    rule_id="T03",
    topic=Topic.T03,
    audience=None,
    subregion=None,
    net=None,
    joint_committee=None,
    age_band=None,
    kind=ReferralKind.WARM,
    service_id="clb",
    then_service_id=None,
    sla_days=3,
    priority=0,
    valid_from=date(2025, 9, 1),
    valid_to=None,
)
HUMAN = replace(A_RULE, rule_id="T40", topic=Topic.T40, service_id="steunpunt")


def service_for(enquiry: Enquiry, *rules: Rule, on: date = TODAY) -> str:
    return Directory([*rules, HUMAN], []).rule_for(enquiry, on).service_id


def test_a_rule_for_the_region_beats_the_rule_for_the_province() -> None:
    westhoek = replace(A_RULE, subregion=Subregion.WESTHOEK, service_id="clb-westhoek")
    assert service_for(Enquiry(Topic.T03, subregion=Subregion.WESTHOEK), A_RULE, westhoek) == "clb-westhoek"
    assert service_for(Enquiry(Topic.T03, subregion=Subregion.BRUGGE), A_RULE, westhoek) == "clb"


def test_two_conditions_beat_one() -> None:
    adult = replace(A_RULE, age_band=AgeBand.FROM_18_TO_25, service_id="vdab")
    adult_parent = replace(adult, audience=Audience.OUDER, service_id="leerwinkel")
    enquiry = Enquiry(Topic.T03, audience=Audience.OUDER, age_band=AgeBand.FROM_18_TO_25)
    assert service_for(enquiry, adult, adult_parent) == "leerwinkel"


def test_between_equally_specific_rules_the_priority_decides() -> None:
    by_audience = replace(A_RULE, audience=Audience.OUDER, service_id="a", priority=1)
    by_region = replace(A_RULE, subregion=Subregion.BRUGGE, service_id="b", priority=2)
    enquiry = Enquiry(Topic.T03, audience=Audience.OUDER, subregion=Subregion.BRUGGE)
    assert service_for(enquiry, by_audience, by_region) == "b"


@pytest.mark.parametrize(
    ("day", "service"),
    [(date(2026, 8, 31), "old"), (date(2026, 9, 1), "new"), (date(2024, 1, 1), "steunpunt")],
)
def test_the_rule_of_the_day_decides(day: date, service: str) -> None:
    old = replace(A_RULE, service_id="old", valid_to=date(2026, 8, 31))
    new = replace(A_RULE, service_id="new", valid_from=date(2026, 9, 1))
    ever = replace(HUMAN, valid_from=date(2000, 1, 1))
    assert Directory([old, new, ever], []).rule_for(Enquiry(Topic.T03), day).service_id == service


def test_what_no_rule_covers_goes_to_a_person() -> None:
    assert service_for(Enquiry(Topic.T21), A_RULE) == "steunpunt"


def test_a_directory_without_human_triage_is_an_error() -> None:
    with pytest.raises(NoRule):
        Directory([A_RULE], []).rule_for(Enquiry(Topic.T21), TODAY)


def test_an_audience_of_tomorrow_gets_the_general_rule() -> None:
    special = replace(A_RULE, audience=Audience.OUDER, service_id="special")
    assert service_for(Enquiry(Topic.T03, audience=Audience.UNKNOWN), A_RULE, special) == "clb"


def test_a_risk_signal_of_tomorrow_goes_to_a_person() -> None:
    assert Directory([HUMAN], []).topic_of(RiskSignal.UNKNOWN, TODAY) is Topic.T40


@pytest.mark.parametrize(
    ("day", "topic"), [(date(2026, 8, 31), Topic.T07), (date(2026, 9, 1), Topic.T25), (date(2024, 1, 1), Topic.T40)]
)
def test_the_topic_of_a_signal_is_that_of_the_day(day: date, topic: Topic) -> None:
    old = SignalRule(RiskSignal.R1, Topic.T07, date(2025, 9, 1), date(2026, 8, 31))
    new = SignalRule(RiskSignal.R1, Topic.T25, date(2026, 9, 1), None)
    assert Directory([HUMAN], [old, new]).topic_of(RiskSignal.R1, day) is topic
