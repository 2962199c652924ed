"""The vault: the only place on the platform that knows what a person is called and what a person wrote."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.event import Event


@dataclass
class VaultEntry:
    """Who asked or offered something, and in which words. Its id is that of the question or workplace."""

    id: UUID
    kept_at: datetime
    person: str | None = None
    email: str | None = None
    phone: str | None = None
    organisation: str | None = None
    words: str | None = None
    """What the person wrote, without national numbers."""
    numbers_removed: int = 0
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)
