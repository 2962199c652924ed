"""The schools and centres of West-Vlaanderen that may offer dual learning, by their number (instellingsnummer)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from contracts.codelists.dated import Dated, last_day, rows
from contracts.vocabulary import SchoolNet


class InstitutionKind(StrEnum):
    """The kind of provider; a CVO needs no programmatieaanvraag."""

    SCHOOL = "school"
    BUSO = "buso"
    SYNTRA = "syntra"
    CVO = "cvo"


@dataclass(frozen=True, slots=True)
class Institution(Dated):
    """A school or centre; its place is that of its main seat."""

    number: str
    name: str
    kind: InstitutionKind
    net: SchoolNet
    nis: str
    certain: bool
    """False: from an old list, and to be checked against the official register."""
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class Institutions:
    """Every institution by its number."""

    by_number: Mapping[str, Institution]

    @classmethod
    def read(cls) -> "Institutions":
        """Read the list of this package."""
        return cls(
            {
                row["number"]: Institution(
                    number=row["number"],
                    name=row["name"],
                    kind=InstitutionKind(row["kind"]),
                    net=SchoolNet(row["net"]),
                    nis=row["nis"],
                    certain=row["certain"] == "true",
                    valid_from=date.fromisoformat(row["valid_from"]),
                    valid_to=last_day(row["valid_to"]),
                )
                for row in rows("institutions")
            }
        )

    def get(self, number: str) -> Institution | None:
        """The institution with this number, if there is one."""
        return self.by_number.get(number)
