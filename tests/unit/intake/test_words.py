"""The Dutch words of the pages: every code has one, and no word is left without a code."""

from datetime import date
from enum import StrEnum

import pytest

from chassis.actors import UserRole
from chassis.reference import read_rows
from contracts.vocabulary import (
    AgeBand,
    Audience,
    CaseOutcome,
    Channel,
    Language,
    ReferralKind,
    ReferralOutcome,
    SchoolNet,
    Subregion,
    Topic,
)
from services.intake.adapters.reference import REFERENCE, read_crisis_numbers, read_labels
from services.intake.adapters.words import Label, Labels
from services.intake.application.queries import Which
from services.intake.domain.case import CaseStatus

LISTS: dict[str, type[StrEnum]] = {
    "topic": Topic,
    "audience": Audience,
    "age_band": AgeBand,
    "subregion": Subregion,
    "channel": Channel,
    "language": Language,
    "school_net": SchoolNet,
    "case_status": CaseStatus,
    "case_outcome": CaseOutcome,
    "referral_kind": ReferralKind,
    "referral_outcome": ReferralOutcome,
    "desk": Which,
}
USERS = {role.value for role in UserRole}
LONGEST = 45


@pytest.mark.parametrize(("vocabulary", "codes"), LISTS.items(), ids=LISTS)
def test_every_code_has_a_word(vocabulary: str, codes: type[StrEnum]) -> None:
    labels = read_labels()
    assert [code for code in codes if labels.of(vocabulary, code) == code.value] == []


def test_every_word_is_of_a_code_and_short() -> None:
    rows = read_rows(REFERENCE / "labels.csv", Label)
    codes = {(name, code.value) for name, kind in LISTS.items() for code in kind} | {("user", name) for name in USERS}
    assert {(row.vocabulary, row.code) for row in rows} == codes
    assert [row.label_nl for row in rows if len(row.label_nl) > LONGEST] == []


def test_a_code_without_a_word_is_shown_as_it_is() -> None:
    assert read_labels().of("topic", "T99") == "T99"


def test_the_newest_word_for_a_code_counts_wherever_its_row_stands() -> None:
    old = Label("topic", "T01", "oud", date(2025, 9, 1), date(2026, 8, 31))
    new = Label("topic", "T01", "nieuw", date(2026, 9, 1), None)
    assert Labels([new, old]).of("topic", "T01") == Labels([old, new]).of("topic", "T01") == "nieuw"


def test_the_number_for_distress_comes_with_what_it_is_for() -> None:
    numbers = {one.number: one for one in read_crisis_numbers()}
    assert {"112", "1813", "1712", "102", "106"} <= numbers.keys()
    assert all(one.service and one.subject for one in numbers.values())
