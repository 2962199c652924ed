"""The dated code lists that events refer to: partners use them to check their own data, and no rule lives here."""

from dataclasses import dataclass

from contracts.codelists.institutions import Institutions
from contracts.codelists.places import Places
from contracts.codelists.programmes import Programmes
from contracts.codelists.sectors import JointCommittees


@dataclass(frozen=True)
class CodeLists:
    """All code lists together."""

    institutions: Institutions
    joint_committees: JointCommittees
    places: Places
    programmes: Programmes

    @classmethod
    def read(cls) -> "CodeLists":
        """Read the lists of this package."""
        return cls(Institutions.read(), JointCommittees.read(), Places.read(), Programmes.read())
