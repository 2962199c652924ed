"""Dates and times as people here read them."""

from datetime import date, datetime

from chassis.handling import BRUSSELS

DAYS = ("ma", "di", "wo", "do", "vr", "za", "zo")
MONTHS = (
    *("januari", "februari", "maart", "april", "mei", "juni"),
    *("juli", "augustus", "september", "oktober", "november", "december"),
)


def day(on: date) -> str:
    """`ma 23 november 2026`; of a moment, the day here."""
    on = on.astimezone(BRUSSELS).date() if isinstance(on, datetime) else on
    return f"{DAYS[on.weekday()]} {on.day} {MONTHS[on.month - 1]} {on.year}"


def moment(at: datetime) -> str:
    """`ma 23 november 2026, 9.05 uur`."""
    here = at.astimezone(BRUSSELS)
    return f"{day(here)}, {here.hour}.{here.minute:02} uur"
