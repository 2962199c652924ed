"""The deadlines of AGODI, per school year and type of education. AGODI changes them, so they are dated data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from contracts.codelists.dated import Dated
from contracts.vocabulary import EducationType


@dataclass(frozen=True, slots=True)
class Deadline(Dated):
    """The last day for applications of one school year; its dates say when this was the deadline in force."""

    school_year: str
    education_type: EducationType
    deadline: date
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """All deadlines in the reference data."""

    deadlines: Sequence[Deadline]

    def deadline(self, school_year: str, education_type: EducationType, on: date) -> date | None:
        """The deadline in force on that day; None when it is not known yet."""
        wanted = (school_year, education_type)
        return next(
            (
                one.deadline
                for one in self.deadlines
                if (one.school_year, one.education_type) == wanted and one.valid_on(on)
            ),
            None,
        )


def is_kept(deadline: date | None, submitted_on: date) -> bool | None:
    """Was the application in time? None without a deadline. The last day itself is in time."""
    return None if deadline is None else submitted_on <= deadline
