"""The outbound action of messages: hand a mail to the mail server and record the outcome."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis.handling import BRUSSELS, TransientError
from services.notifications.application.ports import Addresses, Answer, Askers, Mail, Mailer, Templates
from services.notifications.domain.attempts import RetrySchedule
from services.notifications.domain.letters import ASKER
from services.notifications.domain.message import Message


@dataclass
class MailDelivery:
    """Sends messages that are due."""

    addresses: Addresses
    askers: Askers | None
    templates: Templates
    mailer: Mailer
    schedule: RetrySchedule
    kind: type[Message] = Message
    only: None = None
    at_once: int = 50

    async def perform(self, message: Message, now: datetime) -> Answer | None:
        """One attempt, with the address and the words of this day; None when there is no address."""
        try:
            mail = await self._mail_of(message, now)
        except TransientError:
            return Answer.NOT_NOW
        return await self.mailer.send(mail) if mail else None

    async def _mail_of(self, message: Message, now: datetime) -> Mail | None:
        today = now.astimezone(BRUSSELS).date()
        if message.recipient == ASKER:
            return await self._mail_to_asker(message, today, now)
        address = self.addresses.address_of(message.recipient, on=today)
        return Mail(message.id, address, self.templates.render(message, on=today), now) if address else None

    async def _mail_to_asker(self, message: Message, today: date, now: datetime) -> Mail | None:
        """Only this moment knows the address and the link: each attempt asks again."""
        assert self.askers, "queued when there was somebody to ask"
        asker = await self.askers.find(message.about, UUID(dict(message.parameters)["case_id"]))
        if asker is None:
            return None
        return Mail(message.id, asker.email, self.templates.render(message, today, asker.link), now)

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
