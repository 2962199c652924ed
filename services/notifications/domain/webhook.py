"""A webhook: one event told to one partner over HTTP, from the intent to what became of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from uuid import UUID

from contracts.event import Event
from contracts.notifications import WebhookFailed
from contracts.vocabulary import DeliveryFailure, MessageId
from services.notifications.domain.attempts import RetrySchedule, Status


@dataclass
class Webhook:
    """`due_at` is the next attempt; None: nothing is to be done. `body` is kept for as long as it may be sent."""

    id: UUID
    partner: str
    type: str
    body: str | None
    """The event as one JSON object: the same text on every attempt."""
    queued_at: datetime
    due_at: datetime | None
    correlation: str | None
    status: Status = Status.QUEUED
    attempts: int = 0
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    @classmethod
    def queue(cls, id_: UUID, partner: str, type_: str, body: str, correlation: str | None, at: datetime) -> Self:
        """Intend to tell a partner of an event of this type, at once."""
        return cls(id_, partner, type_, body, at, at, correlation)

    def delivered(self) -> None:
        """The partner took it."""
        self.attempts += 1
        self.status, self.due_at, self.body = Status.SENT, None, None

    def refused(self, at: datetime) -> None:
        """The partner says that it wants no more of these."""
        self.attempts += 1
        self._fail(DeliveryFailure.REFUSED, at)

    def postponed(self, at: datetime, schedule: RetrySchedule) -> None:
        """It did not work this time: try later, or give up."""
        self.attempts += 1
        wait = schedule.after(self.attempts)
        if wait is None:
            self._fail(DeliveryFailure.GAVE_UP, at)
        else:
            self.due_at = at + wait

    def unasked(self, at: datetime) -> None:
        """The partner's manifest does not ask for this type any more, so there is nowhere to send it."""
        self._fail(DeliveryFailure.NO_ADDRESS, at)

    def _fail(self, reason: DeliveryFailure, at: datetime) -> None:
        self.status, self.due_at = Status.FAILED, None
        self.pending_events.append(
            WebhookFailed(
                message_id=MessageId(self.id),
                partner=self.partner,
                type=self.type,
                attempts=self.attempts,
                reason=reason,
                failed_at=at,
            )
        )
