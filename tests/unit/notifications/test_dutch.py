"""Dates and numbers in Dutch."""

from datetime import date

import pytest

from services.notifications.adapters.dutch import written_day, written_kilometres


@pytest.mark.parametrize(
    ("day", "written"),
    [
        (date(2026, 11, 24), "dinsdag 24 november 2026"),
        (date(2027, 3, 1), "maandag 1 maart 2027"),
        (date(2028, 2, 29), "dinsdag 29 februari 2028"),
    ],
)
def test_a_day_is_written_in_full(day: date, written: str) -> None:
    assert written_day(day) == written


def test_kilometres_have_a_comma() -> None:
    assert (written_kilometres(3.24), written_kilometres(12)) == ("3,2 km", "12,0 km")
