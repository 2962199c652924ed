"""Was the application in time?"""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from chassis.testing.builders import a_context
from contracts.pof import ProgrammatieSubmitted
from contracts.vocabulary import EducationType
from services.pof.adapters.reference import read_calendar
from services.pof.domain.calendar import Calendar, Deadline
from services.pof.domain.school_year import first_day, start_of_year_around
from tests.unit.pof.builders import a_submission_of, an_announcement, on, pof, the_dossier


def submitted(on_day: date, today: date, **announced: Any) -> ProgrammatieSubmitted:
    scenario = pof()
    scenario.when(an_announcement(**announced), on(today))
    (event,) = scenario.when(a_submission_of(the_dossier(scenario), submitted_on=on_day), on(today))
    assert isinstance(event, ProgrammatieSubmitted)
    return event


@pytest.mark.parametrize(
    ("day", "kept"), [(date(2026, 11, 23), True), (date(2026, 11, 30), True), (date(2026, 12, 1), False)]
)
def test_the_last_day_is_still_in_time(day: date, kept: bool) -> None:
    event = submitted(day, today=date(2026, 12, 5))
    assert (event.deadline, event.deadline_kept) == (date(2026, 11, 30), kept)


@pytest.mark.parametrize(("day", "kept"), [(date(2026, 1, 15), True), (date(2026, 1, 16), False)])
def test_the_exceptional_deadline_of_january_2026_goes_before_the_rule(day: date, kept: bool) -> None:
    event = submitted(day, today=date(2026, 1, 20), school_year="2026-2027")
    assert (event.deadline, event.deadline_kept) == (date(2026, 1, 15), kept)


def test_without_a_deadline_it_is_not_known() -> None:
    event = submitted(date(2026, 11, 23), today=date(2026, 11, 23), school_year="2030-2031")
    assert (event.deadline, event.deadline_kept) == (None, None)


def test_a_dossier_that_is_announced_before_the_deadline_is_known_gets_it_at_the_submission() -> None:
    scenario = pof()
    scenario.when(an_announcement(), on(date(2026, 8, 20)))
    assert scenario.answer.deadline is None
    (event,) = scenario.when(a_submission_of(the_dossier(scenario)), on(date(2026, 10, 20)))
    assert isinstance(event, ProgrammatieSubmitted)
    assert (event.deadline, event.deadline_kept) == (date(2026, 11, 30), True)


def test_a_submission_without_a_day_is_of_today_in_belgium() -> None:
    scenario = pof()
    scenario.when(an_announcement())
    half_past_midnight = a_context(at=datetime(2026, 11, 30, 23, 30, tzinfo=UTC))
    scenario.when(a_submission_of(the_dossier(scenario)), half_past_midnight)
    assert (scenario.answer.submitted_on, scenario.answer.deadline_kept) == (date(2026, 12, 1), False)


def test_a_deadline_that_moves_holds_from_the_day_on_which_it_moved() -> None:
    def row(deadline: date, since: date, until: date | None) -> Deadline:
        return Deadline("2027-2028", EducationType.GEWOON, deadline, since, until)

    first = row(date(2026, 11, 30), date(2026, 9, 1), date(2026, 11, 14))
    moved = row(date(2027, 1, 15), date(2026, 11, 15), None)
    calendar = Calendar([first, moved])
    assert calendar.deadline("2027-2028", EducationType.GEWOON, date(2026, 11, 14)) == date(2026, 11, 30)
    assert calendar.deadline("2027-2028", EducationType.GEWOON, date(2026, 11, 15)) == date(2027, 1, 15)


def test_each_type_of_education_has_its_own_deadline() -> None:
    calendar = Calendar([one for one in read_calendar().deadlines if one.education_type is EducationType.BUSO])
    assert calendar.deadline("2027-2028", EducationType.BUSO, date(2026, 11, 23)) == date(2026, 11, 30)
    assert calendar.deadline("2027-2028", EducationType.GEWOON, date(2026, 11, 23)) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [("2027-2028", date(2027, 9, 1)), ("2027-2027", None), ("2027-2028 ", None), ("27-28", None), ("1999-2000", None)],
)
def test_a_school_year_is_two_years_in_a_row_and_starts_in_september(text: str, day: date | None) -> None:
    assert first_day(text) == day


@pytest.mark.parametrize(
    ("day", "start"), [(date(2026, 8, 31), date(2025, 9, 1)), (date(2026, 9, 1), date(2026, 9, 1))]
)
def test_a_day_before_september_belongs_to_the_year_that_started_before(day: date, start: date) -> None:
    assert start_of_year_around(day) == start
