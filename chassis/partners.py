"""The partners' manifests: who may send what to us, as whom, how much, and what it may read."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, EmailStr, Field, HttpUrl, StringConstraints, ValidationError

PartnerId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
"""Names topics, users and sources. No dot: `partner.vdab.` must never be the beginning of another partner's names."""
PartnerType = Annotated[str, StringConstraints(pattern=r"^be\.duaalwest\.partner\.[A-Z][A-Za-z]+\.v[1-9][0-9]*$")]
OurTopic = Annotated[str, StringConstraints(pattern=r"^duaal\.[a-z-]+\.[a-z-]+$")]
OurType = Annotated[str, StringConstraints(pattern=r"^be\.duaalwest\.[a-z]+\.[A-Z][A-Za-z]+\.v[1-9][0-9]*$")]
Source = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/-]*[A-Za-z0-9]$")]


class InvalidManifest(Exception):
    """A manifest is not what it should be; the message names the file and the field."""


class _Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Webhook(_Manifest):
    """Where a partner wants to be told of events of these types."""

    url: HttpUrl
    types: tuple[OurType, ...] = Field(min_length=1)


class Quota(_Manifest):
    """How much a partner may send: the border counts events, the broker counts bytes."""

    events_per_minute: int = Field(ge=1)
    bytes_per_second: int = Field(ge=1024)


class Calendar(_Manifest):
    """The days on which a partner may send, both included; without `until`, until further notice."""

    since: date
    until: date | None = None

    def holds(self, on: date) -> bool:
        """Whether this day is one of them."""
        return self.since <= on and (self.until is None or on <= self.until)


class Partner(_Manifest):
    """One manifest: `<id>.yaml`."""

    id: PartnerId
    name: str
    contact: EmailStr
    """A mailbox of the organisation, never of a person."""
    sources: tuple[Source, ...] = Field(min_length=1)
    """What the `ce_source` of its events is, or begins with."""
    publishes: tuple[PartnerType, ...]
    reads: tuple[OurTopic, ...]
    quota: Quota
    calendar: Calendar
    webhooks: tuple[Webhook, ...] = ()

    @property
    def prefix(self) -> str:
        """What the names of its topics and consumer groups begin with, the separator included."""
        return f"partner.{self.id}."

    @property
    def events_topic(self) -> str:
        """Where it sends its events."""
        return f"{self.prefix}events"

    @property
    def rejected_topic(self) -> str:
        """Where it reads which of them were refused, and why."""
        return f"{self.prefix}rejected"

    @property
    def user(self) -> str:
        """The name under which it logs in to Kafka."""
        return f"partner.{self.id}"

    def owns(self, source: str) -> bool:
        """Whether a `ce_source` is this partner's: one of its sources, or something under it."""
        return any(source == own or source.startswith((f"{own}:", f"{own}/")) for own in self.sources)

    def may_publish(self, type_: str, on: date) -> bool:
        """Whether it may send events of this type on this day."""
        return type_ in self.publishes and self.calendar.holds(on)


def read_partners(folder: Path) -> dict[str, Partner]:
    """The partners of a folder, by id.

    Raises:
        InvalidManifest: a file is not a manifest, or two partners claim the same source.
    """
    partners = [_read(file) for file in sorted(folder.glob("*.yaml"))]
    _check_sources(partners)
    return {partner.id: partner for partner in partners}


def _read(file: Path) -> Partner:
    try:
        partner = Partner.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise InvalidManifest(f"{file.name} is not YAML: {error}") from None
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, line['loc'])) or 'it'}: {line['msg']}" for line in error.errors()]
        raise InvalidManifest(f"{file.name}: {'; '.join(wrong)}") from None
    if file.stem != partner.id:
        raise InvalidManifest(f"{file.name}: id: it is {partner.id}, so the file has to be {partner.id}.yaml")
    return partner


def _check_sources(partners: Iterable[Partner]) -> None:
    """A source that two partners could both use would not say who sent an event."""
    claims = [(partner, source) for partner in partners for source in partner.sources]
    for partner, source in claims:
        for other, _ in claims:
            if other is not partner and other.owns(source):
                raise InvalidManifest(f"{partner.id}.yaml: sources: {source} belongs to {other.id}")
