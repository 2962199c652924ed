"""The vault: the only place on the platform with people's names and addresses, and with what they wrote."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.event import Event


@dataclass
class VaultEntry:
    """Contact details and text of one question or workplace, under the id of that question or workplace."""

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
