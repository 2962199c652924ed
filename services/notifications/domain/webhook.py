"""A webhook: one event posted to one partner over HTTP, from queued to sent or failed."""

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
    """`due_at` is the moment of the next attempt; None: nothing is left to do. `body` is kept while it may be sent."""

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
        """Queue an event of this type for a partner; the first attempt is due at once."""
        return cls(id_, partner, type_, body, at, at, correlation)

    def delivered(self) -> None:
        """The partner accepted it."""
        self.attempts += 1
        self.status, self.due_at, self.body = Status.SENT, None, None

    def refused(self, at: datetime) -> None:
        """The partner answered that it wants no more webhooks of this type."""
        self.attempts += 1
        self._fail(DeliveryFailure.REFUSED, at)

    def postponed(self, at: datetime, schedule: RetrySchedule) -> None:
        """The attempt failed: try later, or give up when no attempt is left."""
        self.attempts += 1
        wait = schedule.after(self.attempts)
        if wait is None:
            self._fail(DeliveryFailure.GAVE_UP, at)
        else:
            self.due_at = at + wait

    def unsubscribed(self, at: datetime) -> None:
        """The partner's manifest no longer asks for this type, so there is no URL to post it to."""
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
