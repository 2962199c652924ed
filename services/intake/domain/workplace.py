"""A workplace as a company registers it: known, requested or only an interest. Its life after that is matching's."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from contracts.event import Event
from contracts.intake import WorkplaceRegistered
from contracts.vocabulary import Language, Recognition, Subregion, Weekday, WorkplaceId


@dataclass(frozen=True, slots=True)
class Offer:
    """What the company offers."""

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


@dataclass
class Workplace:
    """A registration. The company's number stays here; the municipality and the region may travel."""

    id: UUID
    enterprise_number: str
    nis: str
    subregion: Subregion
    registered_on: date
    expires_on: date
    version: int = 0
    facts: list[Event] = field(default_factory=list)

    @classmethod
    def register(
        cls,
        id_: UUID,
        enterprise_number: str,
        nis: str,
        subregion: Subregion,
        offer: Offer,
        on: date,
        days_open: int,
    ) -> "Workplace":
        """Register a workplace; it is offered for so many days and then has to be confirmed."""
        workplace = cls(id_, enterprise_number, nis, subregion, on, on + timedelta(days=days_open))
        workplace.facts.append(
            WorkplaceRegistered(
                workplace_id=WorkplaceId(id_),
                programme=offer.programme,
                recognition=offer.recognition,
                recognised_until=offer.recognised_until,
                joint_committee=offer.joint_committee,
                open_positions=offer.open_positions,
                nis=nis,
                subregion=subregion,
                days=offer.days,
                public_transport=offer.public_transport,
                accessible=offer.accessible,
                languages=offer.languages,
                had_learner_before=offer.had_learner_before,
                source="company",
                registered_on=on,
                expires_on=workplace.expires_on,
            )
        )
        return workplace
