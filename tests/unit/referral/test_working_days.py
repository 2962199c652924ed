"""Due dates in Belgian working days."""

from datetime import date

import pytest

from contracts.codelists.working_days import WorkingDays
from services.referral.adapters.reference import belgian_working_days


@pytest.mark.parametrize(
    ("day", "number", "due"),
    [
        (date(2026, 11, 23), 2, date(2026, 11, 25)),
        (date(2026, 11, 27), 1, date(2026, 11, 30)),
        (date(2026, 11, 28), 0, date(2026, 11, 30)),
        (date(2026, 11, 28), 1, date(2026, 12, 1)),
    ],
)
def test_weekends_do_not_count(day: date, number: int, due: date) -> None:
    assert WorkingDays(frozenset()).after(day, number) == due
    assert WorkingDays(frozenset()).between(day, due) == number


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (date(2026, 12, 24), date(2026, 12, 28)),  # Christmas is a Friday
        (date(2026, 11, 10), date(2026, 11, 12)),  # Armistice
        (date(2027, 3, 26), date(2027, 3, 30)),  # Easter Monday
    ],
)
def test_belgian_holidays_do_not_count(day: date, due: date) -> None:
    assert belgian_working_days().after(day, 1) == due
    assert belgian_working_days().between(day, due) == 1


def test_between_a_day_and_an_earlier_one_are_no_working_days() -> None:
    assert WorkingDays(frozenset()).between(date(2026, 11, 23), date(2026, 11, 20)) == 0
