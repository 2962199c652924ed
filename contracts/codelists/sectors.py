"""The joint committees (paritaire comités) and the sector fund that each belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from contracts.codelists.dated import Dated, last_day, rows


@dataclass(frozen=True, slots=True)
class JointCommittee(Dated):
    """A joint committee, or a part of one (149.01)."""

    pc: str
    sector: str
    fund: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class JointCommittees:
    """Every joint committee by its number."""

    by_number: Mapping[str, JointCommittee]

    @classmethod
    def read(cls) -> "JointCommittees":
        """Read the list of this package."""
        return cls(
            {
                row["pc"]: JointCommittee(
                    pc=row["pc"],
                    sector=row["sector"],
                    fund=row["fund"],
                    valid_from=date.fromisoformat(row["valid_from"]),
                    valid_to=last_day(row["valid_to"]),
                )
                for row in rows("joint_committees")
            }
        )

    def get(self, pc: str) -> JointCommittee | None:
        """The joint committee with this number, if there is one."""
        return self.by_number.get(pc)
