"""Reports of partners about what other services own: applications, referrals, agreements."""

from dataclasses import dataclass, field
from uuid import UUID

from contracts.event import Event


@dataclass
class Report:
    """The reports about one application, referral or agreement.

    Intake stores only how many there were, which numbers the events; the owning service handles them.
    """

    id: UUID
    """The id of the application, the referral or the agreement."""
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    def add(self, event: Event) -> None:
        """Publish one more report."""
        self.pending_events.append(event)
