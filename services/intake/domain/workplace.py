"""A workplace as a company or partner registers it. What happens to it afterwards is up to matching."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from contracts.event import Event
from contracts.intake import WorkplaceRegistered
from contracts.vocabulary import Language, Recognition, Subregion, Weekday, WorkplaceId


@dataclass(frozen=True, slots=True)
class Offer:
    """What the company offers, and on which day it was registered with us or with a partner."""

    programme: str
    recognition: Recognition
    recognised_until: date | None
    joint_committee: str | None
    open_positions: int
    days: tuple[Weekday, ...]
    public_transport: bool | None
    accessible: bool | None
    languages: tuple[Language, ...]
    had_learner_before: bool | None
    registered_on: date
    source: str = "company"
    """`company`, or the id of the partner that sent it."""


@dataclass
class Workplace:
    """A registration. The company's number stays here; municipality and subregion are published."""

    id: UUID
    enterprise_number: str | None
    """None when a partner registered the workplace."""
    nis: str
    subregion: Subregion
    registered_on: date
    expires_on: date
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    @classmethod
    def register(
        cls,
        id_: UUID,
        enterprise_number: str | None,
        nis: str,
        subregion: Subregion,
        offer: Offer,
        on: date,
        days_open: int,
    ) -> "Workplace":
        """Register a workplace; it is offered for `days_open` days and then has to be confirmed."""
        expires_on = on + timedelta(days=days_open)
        workplace = cls(id_, enterprise_number, nis, subregion, offer.registered_on, expires_on)
        workplace._publish(offer)
        return workplace

    def renew(self, nis: str, subregion: Subregion, offer: Offer, on: date, days_open: int) -> None:
        """Registered again, perhaps with other values: it is offered for `days_open` days from today."""
        self.nis, self.subregion, self.registered_on = nis, subregion, offer.registered_on
        self.expires_on = on + timedelta(days=days_open)
        self._publish(offer)

    def _publish(self, offer: Offer) -> None:
        self.pending_events.append(
            WorkplaceRegistered(
                workplace_id=WorkplaceId(self.id),
                programme=offer.programme,
                recognition=offer.recognition,
                recognised_until=offer.recognised_until,
                joint_committee=offer.joint_committee,
                open_positions=offer.open_positions,
                nis=self.nis,
                subregion=self.subregion,
                days=offer.days,
                public_transport=offer.public_transport,
                accessible=offer.accessible,
                languages=offer.languages,
                had_learner_before=offer.had_learner_before,
                source=offer.source,
                registered_on=self.registered_on,
                expires_on=self.expires_on,
            )
        )
