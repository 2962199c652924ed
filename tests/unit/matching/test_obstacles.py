"""Hard rules: each has a name, which explains why a workplace was not proposed."""

from datetime import date
from typing import Any

import pytest

from contracts.vocabulary import Recognition, Weekday
from services.matching.domain.learner_search import LearnerSearch
from services.matching.domain.obstacles import Obstacle, can_be_proposed, obstacles
from services.matching.domain.workplace import Workplace
from tests.builders import MONDAY, a_learner_search, a_workplace
from tests.unit.matching.rulebook import RULEBOOK

RULES = RULEBOOK.on(MONDAY)


def what_stands_between(search: dict[str, Any], workplace: dict[str, Any]) -> list[Obstacle]:
    learner = LearnerSearch.start(a_learner_search(**search))
    place = Workplace.register(a_workplace(**workplace))
    found = obstacles(learner, place, RULES)
    assert can_be_proposed(learner, place, RULES) is (not found)
    return found


def test_a_recognised_workplace_for_the_programme_with_a_free_position_can_be_proposed() -> None:
    assert what_stands_between({}, {}) == []


def test_another_programme_never_matches() -> None:
    assert what_stands_between({"programme": "88"}, {"programme": "89"}) == [Obstacle.OTHER_PROGRAMME]


def test_a_workplace_without_a_free_position_is_not_proposed() -> None:
    assert what_stands_between({}, {"open_positions": 0}) == [Obstacle.NO_FREE_POSITION]


@pytest.mark.parametrize(
    ("last_day", "found"),
    [(MONDAY, []), (date(2026, 11, 22), [Obstacle.WORKPLACE_EXPIRED])],
)
def test_a_workplace_is_offered_up_to_and_including_its_last_day(last_day: date, found: list[Obstacle]) -> None:
    assert what_stands_between({}, {"expires_on": last_day}) == found


@pytest.mark.parametrize(
    ("last_day", "found"),
    [(MONDAY, []), (date(2026, 11, 22), [Obstacle.NOT_RECOGNISED])],
)
def test_a_recognition_counts_up_to_and_including_its_last_day(last_day: date, found: list[Obstacle]) -> None:
    assert what_stands_between({}, {"recognised_until": last_day}) == found


@pytest.mark.parametrize(
    ("registered_on", "found"),
    [(date(2026, 10, 24), []), (date(2026, 10, 23), [Obstacle.NOT_RECOGNISED])],
)
def test_a_company_that_asked_to_be_recognised_has_thirty_days(registered_on: date, found: list[Obstacle]) -> None:
    asked = {"recognition": Recognition.AANGEVRAAGD, "registered_on": registered_on}
    assert what_stands_between({}, asked) == found


@pytest.mark.parametrize(
    "recognition", sorted(set(Recognition) - {Recognition.ERKEND, Recognition.AANGEVRAAGD, Recognition.UNKNOWN})
)
def test_a_workplace_that_is_not_recognised_is_never_proposed(recognition: Recognition) -> None:
    assert what_stands_between({}, {"recognition": recognition}) == [Obstacle.NOT_RECOGNISED]


def test_a_recognition_of_tomorrow_is_no_recognition() -> None:
    place = Workplace.register(a_workplace())
    place.recognition = Recognition.UNKNOWN
    assert obstacles(LearnerSearch.start(a_learner_search()), place, RULES) == [Obstacle.NOT_RECOGNISED]


@pytest.mark.parametrize(
    "nis", ["54010", "54007", "57096"], ids=["Comines-Warneton", "Mouscron until 2018", "Mouscron"]
)
def test_a_workplace_across_the_border_of_the_region_never_matches(nis: str) -> None:
    assert what_stands_between({}, {"nis": nis}) == [Obstacle.OUTSIDE_THE_PROVINCE]


def test_a_municipality_that_no_longer_exists_does_not_match() -> None:
    assert what_stands_between({}, {"nis": "37018"}) == [Obstacle.OUTSIDE_THE_PROVINCE]


@pytest.mark.parametrize(
    ("learner", "company", "found"),
    [
        ((Weekday.MON,), (Weekday.TUE,), [Obstacle.NO_COMMON_DAY]),
        ((Weekday.MON, Weekday.TUE), (Weekday.TUE,), []),
        ((), (Weekday.TUE,), []),
        ((Weekday.MON,), (), []),
    ],
)
def test_searches_and_workplaces_with_days_need_one_in_common(
    learner: tuple[Weekday, ...], company: tuple[Weekday, ...], found: list[Obstacle]
) -> None:
    assert what_stands_between({"days": learner}, {"days": company}) == found


def test_every_obstacle_is_named() -> None:
    far = {
        "programme": "89",
        "open_positions": 0,
        "expires_on": date(2026, 1, 1),
        "recognition": Recognition.GEWEIGERD,
        "nis": "54010",
        "days": (Weekday.SUN,),
    }
    assert set(what_stands_between({"days": (Weekday.MON,)}, far)) == set(Obstacle) - {
        Obstacle.PROPOSED_ALREADY,
        Obstacle.ENOUGH_PROPOSALS,
    }
