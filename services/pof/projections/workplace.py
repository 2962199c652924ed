"""The workplaces that companies registered, as far as evidence needs them."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from contracts.event import Event
from contracts.intake import WorkplaceRegistered
from contracts.vocabulary import Recognition, Subregion

POSSIBLE = frozenset({Recognition.INTERESSE, Recognition.AANGEVRAAGD, Recognition.ERKEND})
"""The recognitions with which a learner may work there, now or later."""


@dataclass
class RegisteredWorkplace:
    """One workplace, as it was registered last."""

    id: UUID
    programme: str
    subregion: Subregion
    recognition: Recognition
    open_positions: int
    expires_on: date
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    @classmethod
    def of(cls, event: WorkplaceRegistered) -> "RegisteredWorkplace":
        """Registered for the first time."""
        return cls(
            id=event.workplace_id,
            programme=event.programme,
            subregion=event.subregion,
            recognition=event.recognition,
            open_positions=event.open_positions,
            expires_on=event.expires_on,
        )

    def update(self, event: WorkplaceRegistered) -> None:
        """Registered again: the last values count."""
        self.programme, self.subregion = event.programme, event.subregion
        self.recognition, self.open_positions = event.recognition, event.open_positions
        self.expires_on = event.expires_on

    def counts_on(self, day: date) -> bool:
        """Is it still offered, with a recognition that makes an agreement possible?"""
        return self.recognition in POSSIBLE and day <= self.expires_on
