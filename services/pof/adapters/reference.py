"""The calendar of deadlines, from dated data."""

from pathlib import Path

from chassis.reference import read_rows
from services.pof.domain.calendar import Calendar, Deadline

REFERENCE = Path(__file__).parent.parent / "reference"


def read_calendar() -> Calendar:
    """The deadlines of `reference/calendar.csv`."""
    return Calendar(read_rows(REFERENCE / "calendar.csv", Deadline))
