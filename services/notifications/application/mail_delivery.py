"""The second step of a message: hand it to the mail server, and note what came of it."""

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

    async def perform(self, message: Message, now: datetime) -> None:
        """One attempt; the address and the words are those of this day."""
        today = now.astimezone(BRUSSELS).date()
        address = self.addresses.address_of(message.recipient, on=today)
        if address is None:
            message.undeliverable(now)
            return
        text = self.templates.render(message, on=today)
        match await self.mailer.send(Mail(message.id, address, text, now)):
            case Answer.ACCEPTED:
                message.sent(now)
            case Answer.REFUSED:
                message.refused(now)
            case Answer.NOT_NOW:
                message.postponed(now, self.schedule)
