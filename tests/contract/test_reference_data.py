"""The dated reference data of the services is complete and consistent."""

import csv
import re
from collections import Counter
from datetime import date
from itertools import combinations
from pathlib import Path

import pytest

from chassis.partners import read_partners
from contracts.codelists import CodeLists
from contracts.vocabulary import (
    AgeBand,
    Audience,
    Criterion,
    EducationType,
    OpenEnum,
    ReferralKind,
    RiskSignal,
    Role,
    SchoolNet,
    Severity,
    Subregion,
    Topic,
)

ROOT = Path(__file__).parents[2]
FEEDBACK = "be.duaalwest.partner.ReferralClosed.v1"
LISTS = sorted([*ROOT.glob("contracts/codelists/*.csv"), *ROOT.glob("services/*/reference/*.csv")])
SOURCE = re.compile(r"(S:[a-z0-9-]+|GK|D|P|invented(?: number)?: load the real one)\b")
CONDITIONS = ("audience", "subregion", "net", "joint_committee", "age_band")

Row = dict[str, str]


def table(path: str | Path) -> list[Row]:
    with (ROOT / path).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, strict=True))


def known(enum: type[OpenEnum]) -> set[str]:
    return {member.value for member in enum if member.name != "UNKNOWN"}


def overlap(one: Row, other: Row) -> bool:
    last = "9999-12-31"
    return one["valid_from"] <= (other["valid_to"] or last) and other["valid_from"] <= (one["valid_to"] or last)


CODE_LISTS = CodeLists.read()
RULES = table("services/referral/reference/rules.csv")
TRIAGE = table("services/intake/reference/triage.csv")


def test_every_service_with_reference_data_is_checked() -> None:
    owners = {path.parent.parent.name for path in LISTS}
    assert owners >= {"contracts", "intake", "matching", "notifications", "pof", "referral"}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_every_row_has_a_source_and_dates_in_order(path: Path) -> None:
    rows = table(path)
    assert rows
    for row in rows:
        assert None not in row, f"too many cells: {row}"
        assert None not in row.values(), f"too few cells: {row}"
        assert SOURCE.match(row["source"]), row
        assert date.fromisoformat(row["valid_from"]) <= date.fromisoformat(row["valid_to"] or "9999-12-31")
        assert all(cell == cell.strip() for cell in row.values()), row


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("contracts/codelists/municipalities.csv", ("nis",)),
        ("contracts/codelists/programmes.csv", ("so_number",)),
        ("contracts/codelists/institutions.csv", ("number",)),
        ("contracts/codelists/joint_committees.csv", ("pc",)),
        ("services/referral/reference/rules.csv", ("rule_id",)),
        ("services/referral/reference/services.csv", ("service_id",)),
        ("services/referral/reference/service_operators.csv", ("service_id", "partner")),
        ("services/referral/reference/signals.csv", ("signal", "valid_from")),
        ("services/intake/reference/signals.csv", ("signal", "valid_from")),
        ("services/intake/reference/first_contact.csv", ("topic", "valid_from")),
        ("services/intake/reference/labels.csv", ("vocabulary", "code", "valid_from")),
        ("services/intake/reference/services.csv", ("service_id", "valid_from")),
        ("services/intake/reference/crisis_numbers.csv", ("number", "valid_from")),
        ("services/intake/reference/triage.csv", ("rule_id",)),
        ("services/intake/reference/triage.csv", ("topic", "audience", "terms")),
        ("services/notifications/reference/addresses.csv", ("recipient_id",)),
        ("services/pof/reference/calendar.csv", ("school_year", "education_type")),
    ],
)
def test_no_key_is_used_twice(path: str, key: tuple[str, ...]) -> None:
    uses = Counter(tuple(row[column] for column in key) for row in table(path))
    assert [value for value, times in uses.items() if times > 1] == []


def test_every_topic_has_a_rule_that_fits_everybody() -> None:
    general = {rule["topic"] for rule in RULES if not any(rule[column] for column in CONDITIONS)}
    assert general == known(Topic)


def test_no_two_rules_compete_with_equal_conditions_and_priority() -> None:
    same = ("topic", *CONDITIONS, "priority")
    rivals = [
        (one["rule_id"], other["rule_id"])
        for one, other in combinations(RULES, 2)
        if overlap(one, other) and all(one[column] == other[column] for column in same)
    ]
    assert rivals == []


def test_rules_that_can_fit_one_question_equally_well_differ_in_priority() -> None:
    def ties(one: Row, other: Row) -> bool:
        both_fit = all(not one[c] or not other[c] or one[c] == other[c] for c in CONDITIONS)
        equally = sum(bool(one[c]) for c in CONDITIONS) == sum(bool(other[c]) for c in CONDITIONS)
        return one["topic"] == other["topic"] and both_fit and equally and one["priority"] == other["priority"]

    assert [(a["rule_id"], b["rule_id"]) for a, b in combinations(RULES, 2) if ties(a, b) and overlap(a, b)] == []


def test_rules_speak_the_vocabulary_of_the_events() -> None:
    committees = {rule["joint_committee"] for rule in RULES} - {""}
    assert committees <= CODE_LISTS.joint_committees.by_number.keys()
    assert {rule["topic"] for rule in RULES} <= known(Topic)
    assert {rule["kind"] for rule in RULES} <= known(ReferralKind)
    assert {rule["audience"] for rule in RULES} <= known(Audience) | {""}
    assert {rule["subregion"] for rule in RULES} <= known(Subregion) | {""}
    assert {rule["net"] for rule in RULES} <= known(SchoolNet) | {""}
    assert {rule["age_band"] for rule in RULES} <= known(AgeBand) | {""}
    assert all(int(rule["sla_days"]) in range(11) for rule in RULES)


def test_every_service_that_a_rule_names_exists_and_has_an_address() -> None:
    named = {rule[column] for rule in RULES for column in ("service_id", "then_service_id")} - {""}
    services = {row["service_id"] for row in table("services/referral/reference/services.csv")}
    addresses = {row["recipient_id"] for row in table("services/notifications/reference/addresses.csv")}
    assert named == services
    assert addresses == services | CODE_LISTS.institutions.by_number.keys()


def test_every_service_that_a_rule_names_has_a_name_on_the_pages_of_intake() -> None:
    named = {rule[column] for rule in RULES for column in ("service_id", "then_service_id")} - {""}
    names = table("services/intake/reference/services.csv")
    assert {row["service_id"] for row in names} == named
    assert all(row["name"] for row in names)


def test_every_topic_has_a_first_contact_in_working_days() -> None:
    rows = table("services/intake/reference/first_contact.csv")
    assert {row["topic"] for row in rows} <= known(Topic) | {""}
    assert [row["days"] for row in rows if not row["topic"]] == ["2"]
    assert all(int(row["days"]) in range(3) for row in rows)


def test_every_service_operator_is_a_partner_that_may_give_feedback() -> None:
    operators = table("services/referral/reference/service_operators.csv")
    services = {row["service_id"] for row in table("services/referral/reference/services.csv")}
    may = {one.id for one in read_partners(ROOT / "deploy" / "partners").values() if FEEDBACK in one.publishes}
    assert {row["service_id"] for row in operators} <= services
    assert {row["partner"] for row in operators} == may


def test_a_rule_never_refers_to_the_same_service_twice() -> None:
    assert [rule["rule_id"] for rule in RULES if rule["service_id"] == rule["then_service_id"]] == []


def test_every_address_is_invented_under_the_reserved_domain() -> None:
    for row in table("services/notifications/reference/addresses.csv"):
        assert re.fullmatch(r"[a-z0-9.-]+@(partners|scholen)\.example", row["email"])


@pytest.mark.parametrize("topic", ["T03", "T17", "T19", "T20", "T21", "T23", "T26"])
def test_a_topic_of_the_clb_goes_to_the_clb_of_every_subregion(topic: str) -> None:
    alone = [r for r in RULES if r["topic"] == topic and [c for c in CONDITIONS if r[c]] == ["subregion"]]
    assert {r["subregion"]: r["service_id"] for r in alone} == {
        region: f"clb-{region.lower().replace('_', '-')}" for region in known(Subregion)
    }


def test_every_sector_fund_is_asked_about_recognition_and_mentors() -> None:
    for topic in ("T09", "T11"):
        asked = {rule["joint_committee"] for rule in RULES if rule["topic"] == topic} - {""}
        assert asked == CODE_LISTS.joint_committees.by_number.keys()


def test_every_risk_signal_has_an_owner_a_topic_and_one_deadline() -> None:
    owned = table("services/intake/reference/signals.csv")
    referred = table("services/referral/reference/signals.csv")
    assert {row["signal"] for row in owned} == {row["signal"] for row in referred} == known(RiskSignal)
    assert {row["owner_role"] for row in owned} <= known(Role)
    assert {row["severity"] for row in owned} <= known(Severity)
    assert {row["topic"] for row in referred} <= known(Topic)
    assert all(int(row["due_days"]) in range(11) for row in owned)
    assert not [column for column in referred[0] if column.endswith("_days")]


def test_triage_can_find_every_topic_but_the_unclear_one() -> None:
    reach = Counter[str]()
    for rule in TRIAGE:
        reach[rule["topic"]] += int(rule["weight"])
    assert {topic for topic, weight in reach.items() if weight >= 3} == known(Topic) - {"T40"}


def test_triage_terms_are_written_as_the_text_is_read() -> None:
    for rule in TRIAGE:
        assert re.fullmatch(r"[a-z0-9]+( [a-z0-9]+)*", rule["terms"]), rule
        assert int(rule["weight"]) in range(1, 6)
        assert rule["audience"] in known(Audience) | {""}


def test_matching_weighs_every_criterion() -> None:
    assert {row["criterion"] for row in table("services/matching/reference/criteria.csv")} == known(Criterion)


def test_clock_and_calendar_know_both_types_of_education() -> None:
    clock = {row["education_type"] for row in table("services/intake/reference/search_clock.csv")}
    calendar = table("services/pof/reference/calendar.csv")
    assert clock == known(EducationType)
    for year in {row["school_year"] for row in calendar}:
        assert {row["education_type"] for row in calendar if row["school_year"] == year} == known(EducationType)


def test_a_deadline_falls_before_its_school_year() -> None:
    for row in table("services/pof/reference/calendar.csv"):
        assert row["deadline"] < f"{row['school_year'][:4]}-09-01"


def test_the_sample_questions_name_topics_and_audiences_that_exist() -> None:
    questions = table("deploy/demo/questions.csv")
    assert {question["audience"] for question in questions} <= known(Audience)
    assert {topic for question in questions for topic in question["topics"].split("|")} <= known(Topic)
