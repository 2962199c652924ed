"""What partners reported of things that are not ours to keep: applications, referrals, agreements."""

from dataclasses import dataclass, field
from uuid import UUID

from contracts.event import Event


@dataclass
class Report:
    """Everything that was reported of one thing, counted: the facts go to the service that keeps the thing itself."""

    id: UUID
    """Of the application, the referral or the agreement."""
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    def add(self, fact: Event) -> None:
        """Something more was reported."""
        self.pending_events.append(fact)
