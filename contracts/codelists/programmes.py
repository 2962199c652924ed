"""The dual programmes (structuuronderdelen) by their official number."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contracts.codelists.dated import Dated, last_day, rows
from contracts.vocabulary import EducationType


class Finality(StrEnum):
    """What a programme leads to."""

    LABOUR_MARKET = "A"
    DOUBLE = "DU"
    AFTER_OK3 = "NA_OK3"
    """seventh year after a labour-market diploma"""
    AFTER_OK4 = "NA_OK4"
    """seventh year after a double or academic diploma"""


@dataclass(frozen=True, slots=True)
class Programme(Dated):
    """A programme that a school may offer; several numbers can carry one name."""

    so_number: str
    name: str
    grade: int
    """2, 3, or 7 for a seventh year."""
    finality: Finality
    study_domain: str
    education_type: EducationType
    certain: bool
    """False: derived from a list, and to be checked against the official catalogue."""
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class Programmes:
    """Every programme by its number."""

    by_number: Mapping[str, Programme]

    @classmethod
    def read(cls) -> "Programmes":
        """Read the list of this package."""
        return cls(
            {
                row["so_number"]: Programme(
                    so_number=row["so_number"],
                    name=row["name"],
                    grade=int(row["grade"]),
                    finality=Finality(row["finality"]),
                    study_domain=row["study_domain"],
                    education_type=EducationType(row["education_type"]),
                    certain=row["certain"] == "true",
                    valid_from=date.fromisoformat(row["valid_from"]),
                    valid_to=last_day(row["valid_to"]),
                )
                for row in rows("programmes")
            }
        )

    def get(self, so_number: str) -> Programme | None:
        """The programme with this number, if there is one."""
        return self.by_number.get(so_number)
