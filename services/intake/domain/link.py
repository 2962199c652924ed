"""A private link: who has its token may follow one case, without a login."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from contracts.event import Event


@dataclass
class CaseLink:
    """One link to one case. The token itself is not stored: only the person who asked has it."""

    id: UUID
    case_id: UUID
    token_hash: str
    """SHA-256 of the token, in hexadecimal."""
    made_on: date
    expires_on: date
    """Its last day."""
    withdrawn_on: date | None = None
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    @classmethod
    def make(cls, id_: UUID, case_id: UUID, token_hash: str, on: date, days: int) -> "CaseLink":
        """Make a link that works for `days` days."""
        return cls(id_, case_id, token_hash, on, on + timedelta(days=days))
