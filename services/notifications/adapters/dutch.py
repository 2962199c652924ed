"""Dates and numbers as written in Dutch."""

from datetime import date

DAYS = ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag")
MONTHS = (
    "januari",
    "februari",
    "maart",
    "april",
    "mei",
    "juni",
    "juli",
    "augustus",
    "september",
    "oktober",
    "november",
    "december",
)


def written_day(day: date) -> str:
    """dinsdag 24 november 2026"""
    return f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]} {day.year}"


def written_kilometres(kilometres: float) -> str:
    """3,2 km"""
    return f"{kilometres:.1f} km".replace(".", ",")
