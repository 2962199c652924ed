"""A message: one letter to one organisation or one person, from queued to its end."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self
from uuid import UUID

from contracts.event import Event
from contracts.notifications import MessageFailed, MessageSent
from contracts.vocabulary import DeliveryFailure, MessageId
from services.notifications.domain.attempts import RetrySchedule, Status
from services.notifications.domain.letters import ASKER, Letter, Parameters, Template


@dataclass
class Message:
    """A mail to one recipient. `due_at` is the moment of the next attempt; None: nothing is left to do."""

    id: UUID
    template: Template
    recipient: str
    about: UUID
    parameters: Parameters
    queued_at: datetime
    due_at: datetime | None
    correlation: str | None
    status: Status = Status.QUEUED
    attempts: int = 0
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    @classmethod
    def queue(cls, id_: UUID, recipient: str, letter: Letter, correlation: str | None, at: datetime) -> Self:
        """Queue a letter for one of its recipients; the first attempt is due at once."""
        return cls(
            id=id_,
            template=letter.template,
            recipient=recipient,
            about=letter.about,
            parameters=letter.parameters,
            queued_at=at,
            due_at=at,
            correlation=correlation,
        )

    def sent(self, at: datetime) -> None:
        """The mail server accepted it."""
        self.attempts += 1
        self.status, self.due_at = Status.SENT, None
        self.pending_events.append(
            MessageSent(
                message_id=MessageId(self.id),
                template=self.template,
                recipient=self.recipient,
                about=self.about,
                attempts=self.attempts,
                sent_at=at,
            )
        )

    def refused(self, at: datetime) -> None:
        """The mail server refused it for good."""
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

    def undeliverable(self, at: datetime) -> None:
        """There is no address, so there is no attempt. A person is free to leave none; an organisation is not."""
        if self.recipient == ASKER:
            self.status, self.due_at = Status.NO_ADDRESS, None
        else:
            self._fail(DeliveryFailure.NO_ADDRESS, at)

    def _fail(self, reason: DeliveryFailure, at: datetime) -> None:
        self.status, self.due_at = Status.FAILED, None
        self.pending_events.append(
            MessageFailed(
                message_id=MessageId(self.id),
                template=self.template,
                recipient=self.recipient,
                about=self.about,
                attempts=self.attempts,
                reason=reason,
                failed_at=at,
            )
        )
