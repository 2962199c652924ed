"""The outbound action of messages: hand a mail to the mail server and record the outcome."""

from dataclasses import dataclass
from datetime import datetime

from chassis.handling import BRUSSELS
from services.notifications.application.ports import Addresses, Answer, Mail, Mailer, Templates
from services.notifications.domain.attempts import RetrySchedule
from services.notifications.domain.message import Message


@dataclass
class MailDelivery:
    """Sends messages that are due."""

    addresses: Addresses
    templates: Templates
    mailer: Mailer
    schedule: RetrySchedule
    kind: type[Message] = Message
    only: None = None
    at_once: int = 50

    async def perform(self, message: Message, now: datetime) -> Answer | None:
        """One attempt, with the address and the words of this day; None when there is no address."""
        today = now.astimezone(BRUSSELS).date()
        address = self.addresses.address_of(message.recipient, on=today)
        if address is None:
            return None
        text = self.templates.render(message, on=today)
        return await self.mailer.send(Mail(message.id, address, text, now))

    def record(self, message: Message, result: Answer | None, now: datetime) -> None:
        """Record the outcome of the attempt."""
        match result:
            case None:
                message.undeliverable(now)
            case Answer.ACCEPTED:
                message.sent(now)
            case Answer.REFUSED:
                message.refused(now)
            case Answer.NOT_NOW:
                message.postponed(now, self.schedule)

    def record_error(self, message: Message, now: datetime) -> None:
        """It cannot even be attempted, for instance because its text cannot be rendered."""
        message.postponed(now, self.schedule)
