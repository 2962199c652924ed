"""Soft rules: the score follows from the criteria, and each criterion is in the proposal."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.matching import Reason
from contracts.vocabulary import AgeBand, Criterion, EducationType, Language, Subregion, Weekday
from services.matching.domain.criteria import assess, distance_from_school
from services.matching.domain.learner_search import LearnerSearch
from services.matching.domain.match import Match, score
from services.matching.domain.workplace import Workplace
from tests.builders import MONDAY, a_learner_search, a_workplace
from tests.unit.matching.rulebook import INSTITUTIONS, PLACES, RULEBOOK

RULES = RULEBOOK.on(MONDAY)
KORTRIJK = {"nis": "34022", "subregion": Subregion.ZUID_WEST}
NOT_SAID = (True, False)
HOLDS = (True, True)
FAILS = (False, True)


def a_match(search: dict[str, Any], workplace: dict[str, Any]) -> Match:
    return assess(LearnerSearch.start(a_learner_search(**search)), Workplace.register(a_workplace(**workplace)), RULES)


@pytest.mark.parametrize(
    ("criterion", "search", "workplace", "answer"),
    [
        (Criterion.DISTANCE, {}, {}, HOLDS),
        (Criterion.DISTANCE, {}, KORTRIJK, FAILS),
        (Criterion.DISTANCE, {"max_distance_km": 60}, KORTRIJK, HOLDS),
        (Criterion.DISTANCE, {"school": "99999"}, KORTRIJK, NOT_SAID),
        (Criterion.PUBLIC_TRANSPORT, {}, {"public_transport": False}, NOT_SAID),
        (Criterion.PUBLIC_TRANSPORT, {"needs_public_transport": True}, {}, NOT_SAID),
        (Criterion.PUBLIC_TRANSPORT, {"needs_public_transport": True}, {"public_transport": False}, FAILS),
        (Criterion.PUBLIC_TRANSPORT, {"needs_public_transport": True}, {"public_transport": True}, HOLDS),
        (Criterion.DAYS, {"days": (Weekday.MON,)}, {}, NOT_SAID),
        (Criterion.DAYS, {"days": (Weekday.MON,)}, {"days": (Weekday.MON, Weekday.TUE)}, HOLDS),
        (Criterion.DAYS, {"days": (Weekday.MON, Weekday.FRI)}, {"days": (Weekday.MON, Weekday.TUE)}, FAILS),
        (Criterion.SAME_SUBREGION, {}, {}, HOLDS),
        (Criterion.SAME_SUBREGION, {}, KORTRIJK, FAILS),
        (Criterion.SAME_SUBREGION, {"subregion": None}, KORTRIJK, NOT_SAID),
        (Criterion.IDLE_COMPANY, {}, {}, NOT_SAID),
        (Criterion.IDLE_COMPANY, {}, {"had_learner_before": False}, HOLDS),
        (Criterion.IDLE_COMPANY, {}, {"had_learner_before": True}, FAILS),
        (Criterion.LANGUAGE, {}, {}, NOT_SAID),
        (Criterion.LANGUAGE, {}, {"languages": (Language.FR, Language.NL)}, HOLDS),
        (Criterion.LANGUAGE, {}, {"languages": (Language.FR,)}, FAILS),
        (Criterion.ACCESSIBILITY, {}, {"accessible": False}, NOT_SAID),
        (Criterion.ACCESSIBILITY, {"needs_accessible_place": True}, {"accessible": False}, FAILS),
        (Criterion.ACCESSIBILITY, {"needs_accessible_place": True}, {"accessible": True}, HOLDS),
    ],
)
def test_a_criterion_holds_fails_or_was_left_blank(
    criterion: Criterion, search: dict[str, Any], workplace: dict[str, Any], answer: tuple[bool, bool]
) -> None:
    (reason,) = (reason for reason in a_match(search, workplace).reasons if reason.criterion is criterion)
    assert (reason.matched, reason.known) == answer


def test_an_unanswered_criterion_costs_nothing() -> None:
    assert a_match({}, {}).score == 100


def test_two_of_seven_equal_criteria_that_fail_leave_71_per_cent() -> None:
    assert a_match({}, KORTRIJK).score == 71


def test_a_heavier_criterion_costs_more() -> None:
    heavy = [replace(w, weight=5 if w.criterion is Criterion.IDLE_COMPANY else 1) for w in RULES.weights]
    search, place = LearnerSearch.start(a_learner_search()), Workplace.register(a_workplace(had_learner_before=True))
    assert assess(search, place, replace(RULES, weights=tuple(heavy))).score == 55


def test_the_distance_is_between_municipalities_to_a_tenth_of_a_kilometre() -> None:
    for school, nis, distance in (("34074", "31005", 0), ("34074", "34022", 42.5), ("99999", "34022", None)):
        assert distance_from_school(school, nis, INSTITUTIONS, PLACES) == distance


@pytest.mark.parametrize(
    "personal",
    [
        *({"age_band": band} for band in AgeBand if band is not AgeBand.UNKNOWN),
        {"education_type": EducationType.BUSO},
    ],
    ids=str,
)
def test_nothing_personal_changes_a_score(personal: dict[str, Any]) -> None:
    assert a_match(personal, KORTRIJK).reasons == a_match({}, KORTRIJK).reasons


A_REASON = st.builds(
    Reason,
    criterion=st.sampled_from([criterion for criterion in Criterion if criterion is not Criterion.UNKNOWN]),
    matched=st.booleans(),
    known=st.booleans(),
    weight=st.integers(0, 100),
)
REASONS = st.lists(A_REASON, min_size=1, max_size=7).filter(lambda some: any(reason.weight for reason in some))


@settings(deadline=None)
@given(REASONS)
def test_a_score_is_a_percentage(reasons: list[Reason]) -> None:
    assert 0 <= score(reasons) <= 100
    assert (score(reasons) == 100) or not all(reason.matched for reason in reasons)


@settings(deadline=None)
@given(REASONS, st.integers(0))
def test_one_more_criterion_that_holds_never_lowers_the_score(reasons: list[Reason], at: int) -> None:
    better = list(reasons)
    better[at % len(better)] = better[at % len(better)].model_copy(update={"matched": True})
    assert score(better) >= score(reasons)
