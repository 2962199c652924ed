"""The workplaces that companies registered, as far as evidence needs them."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from chassis.projections import Projection, projects
from contracts.intake import WorkplaceRegistered
from contracts.vocabulary import Recognition, Subregion

POSSIBLE = frozenset({Recognition.INTERESSE, Recognition.AANGEVRAAGD, Recognition.ERKEND})
"""The recognitions with which a learner may work there, now or later."""


@dataclass(frozen=True)
class RegisteredWorkplace:
    """One workplace, as it was registered last."""

    id: UUID
    programme: str
    subregion: Subregion
    recognition: Recognition
    open_positions: int
    expires_on: date

    def counts_on(self, day: date) -> bool:
        """Is it still offered, with a recognition that makes an agreement possible?"""
        return self.recognition in POSSIBLE and day <= self.expires_on


@projects(WorkplaceRegistered)
def registered(event: WorkplaceRegistered) -> RegisteredWorkplace:
    """Registered, for the first time or again: the last values count."""
    return RegisteredWorkplace(
        id=event.workplace_id,
        programme=event.programme,
        subregion=event.subregion,
        recognition=event.recognition,
        open_positions=event.open_positions,
        expires_on=event.expires_on,
    )


REGISTERED_WORKPLACES = Projection(RegisteredWorkplace, registered)
