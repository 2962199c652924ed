"""A workplace (werkplek): what a company offers for one programme, and which positions are reserved."""

from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from contracts.event import Event
from contracts.intake import WorkplaceRegistered
from contracts.vocabulary import Language, Recognition, Subregion, Weekday, known


@dataclass(frozen=True, slots=True)
class Reservation:
    """A position that is kept free for a proposal, up to and including a day."""

    proposal_id: UUID
    until: date


@dataclass
class Workplace:
    """A copy of what the company registered at intake. The register of recognitions is not ours."""

    id: UUID
    programme: str
    recognition: Recognition
    recognised_until: date | None
    open_positions: int
    nis: str
    subregion: Subregion | None
    days: tuple[Weekday, ...]
    public_transport: bool | None
    accessible: bool | None
    languages: tuple[Language, ...]
    had_learner_before: bool | None
    registered_on: date
    expires_on: date
    reservations: tuple[Reservation, ...] = ()
    """Former ones too: events do not arrive in the order of their days, so a later one may need them."""
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    @classmethod
    def register(cls, event: WorkplaceRegistered) -> "Workplace":
        """A workplace that was not registered before."""
        return cls(
            id=event.workplace_id,
            programme=event.programme,
            recognition=event.recognition,
            recognised_until=event.recognised_until,
            open_positions=event.open_positions,
            nis=event.nis,
            subregion=known(event.subregion),
            days=tuple(day for day in event.days if known(day)),
            public_transport=event.public_transport,
            accessible=event.accessible,
            languages=tuple(language for language in event.languages if known(language)),
            had_learner_before=event.had_learner_before,
            registered_on=event.registered_on,
            expires_on=event.expires_on,
        )

    def renew(self, event: WorkplaceRegistered) -> None:
        """Registered again, perhaps with other values; reservations are kept."""
        again = replace(Workplace.register(event), reservations=self.reservations, version=self.version)
        vars(self).update(vars(again))

    def free_on(self, day: date) -> int:
        """Positions without a reservation on this day; below zero when the company withdrew some."""
        return self.open_positions - sum(day <= reservation.until for reservation in self.reservations)

    def reserve(self, proposal_id: UUID, on: date, until: date) -> None:
        """Keep a position free for a proposal.

        Raises:
            ValueError: there is none left.
        """
        if self.free_on(on) < 1:
            raise ValueError(f"workplace {self.id} has no free position on {on}")
        self.reservations += (Reservation(proposal_id, until),)
