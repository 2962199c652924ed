"""The attempts and the outcome of a message, in simulated time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from chassis.handling import TransientError
from chassis.testing.builders import NOON
from contracts.codelists.institutions import Institutions
from contracts.codelists.programmes import Programmes
from contracts.notifications import MessageFailed, MessageSent
from contracts.vocabulary import DeliveryFailure
from services.notifications.adapters.reference import Address, AddressBook, read_addresses, read_labels
from services.notifications.adapters.templates import TextTemplates
from services.notifications.application.mail_delivery import MailDelivery
from services.notifications.application.ports import Answer, Asker, Askers, Mail
from services.notifications.domain.attempts import WITH_MAILS, Status
from services.notifications.domain.message import Message
from tests.builders import a_question, a_referral
from tests.unit.notifications.messages import a_message_for

SCHEDULE = [
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
]


@dataclass
class MailServer:
    """Gives its answers one by one, then always the last one, and keeps every mail."""

    answers: Sequence[Answer] = (Answer.ACCEPTED,)
    seen: list[Mail] = field(default_factory=list)

    async def send(self, mail: Mail) -> Answer:
        self.seen.append(mail)
        return self.answers[min(len(self.seen), len(self.answers)) - 1]


@dataclass
class Vault:
    """Knows who asked: what it finds, or that it does not answer now. Makes a new link each time."""

    email: str | None = None
    answers: bool = True
    asked: list[tuple[UUID, UUID]] = field(default_factory=list)

    async def find(self, question_id: UUID, case_id: UUID) -> Asker | None:
        self.asked.append((question_id, case_id))
        if not self.answers:
            raise TransientError
        return Asker(self.email, f"https://duaal.example/vraag/volg/{len(self.asked)}") if self.email else None


def a_delivery(
    server: MailServer, addresses: list[Address] | None = None, askers: Askers | None = None
) -> MailDelivery:
    book = AddressBook(read_addresses() if addresses is None else addresses)
    letters = TextTemplates(read_labels(), Institutions.read(), Programmes.read(), "bel ons")
    return MailDelivery(book, askers, letters, server, WITH_MAILS)


async def attempt(delivery: MailDelivery, message: Message, now: datetime) -> None:
    """Perform one attempt, and record it."""
    delivery.record(message, await delivery.perform(message, now), now)


async def attempts_until_the_end(message: Message, delivery: MailDelivery) -> list[datetime]:
    """Perform whenever it is due; returns the moments."""
    moments = []
    while message.due_at:
        moments.append(message.due_at)
        await attempt(delivery, message, message.due_at)
    return moments


async def test_an_accepted_mail_is_sent_and_nothing_is_left_to_do() -> None:
    message = a_message_for(a_referral())
    await attempt(a_delivery(MailServer()), message, NOON)
    (event,) = message.pending_events
    assert isinstance(event, MessageSent)
    assert (event.message_id, event.recipient, event.attempts, event.sent_at) == (message.id, "steunpunt", 1, NOON)
    assert (message.status, message.due_at) == (Status.SENT, None)


async def test_without_an_address_nothing_is_attempted_and_the_message_fails() -> None:
    message, server = a_message_for(a_referral(service_id="nobody")), MailServer()
    await attempt(a_delivery(server), message, NOON)
    (event,) = message.pending_events
    assert isinstance(event, MessageFailed)
    assert (event.reason, event.attempts) == (DeliveryFailure.NO_ADDRESS, 0)
    assert (message.status, message.due_at, server.seen) == (Status.FAILED, None, [])


async def test_a_mail_that_is_refused_for_good_is_not_tried_again() -> None:
    message = a_message_for(a_referral())
    moments = await attempts_until_the_end(message, a_delivery(MailServer([Answer.REFUSED])))
    (event,) = message.pending_events
    assert isinstance(event, MessageFailed)
    assert (event.reason, event.attempts, len(moments)) == (DeliveryFailure.REFUSED, 1, 1)


async def test_every_wait_is_longer_than_the_one_before() -> None:
    message = a_message_for(a_referral())
    moments = await attempts_until_the_end(message, a_delivery(MailServer([Answer.NOT_NOW])))
    assert [later - earlier for earlier, later in pairwise(moments)] == SCHEDULE


async def test_after_the_last_attempt_it_gives_up() -> None:
    message = a_message_for(a_referral())
    await attempts_until_the_end(message, a_delivery(MailServer([Answer.NOT_NOW])))
    (event,) = message.pending_events
    assert isinstance(event, MessageFailed)
    assert (event.reason, event.attempts) == (DeliveryFailure.GAVE_UP, len(SCHEDULE) + 1)
    assert message.status is Status.FAILED


async def test_a_message_that_cannot_even_be_rendered_fails_at_last() -> None:
    message, delivery = a_message_for(a_referral()), a_delivery(MailServer())
    while message.due_at:
        delivery.record_error(message, message.due_at)
    (event,) = message.pending_events
    assert isinstance(event, MessageFailed)
    assert (event.reason, event.attempts) == (DeliveryFailure.GAVE_UP, len(SCHEDULE) + 1)


async def test_a_message_that_was_postponed_and_then_accepted_was_sent_once() -> None:
    message = a_message_for(a_referral())
    server = MailServer([Answer.NOT_NOW, Answer.NOT_NOW, Answer.ACCEPTED])
    await attempts_until_the_end(message, a_delivery(server))
    (event,) = message.pending_events
    assert isinstance(event, MessageSent)
    assert event.attempts == 3


async def test_every_attempt_is_the_same_mail() -> None:
    message, server = a_message_for(a_referral()), MailServer([Answer.NOT_NOW])
    await attempts_until_the_end(message, a_delivery(server))
    assert {(mail.id, mail.to, mail.text) for mail in server.seen} == {
        (message.id, "steunpunt@partners.example", server.seen[0].text)
    }


@pytest.mark.parametrize(
    ("moment", "address"),
    [
        (datetime.fromisoformat("2026-12-31T22:59:00+00:00"), "old@partners.example"),
        (datetime.fromisoformat("2026-12-31T23:00:00+00:00"), "new@partners.example"),  # midnight in Brussels
    ],
)
async def test_the_address_of_the_belgian_day_counts(moment: datetime, address: str) -> None:
    addresses = [
        Address("steunpunt", "old@partners.example", date(2025, 9, 1), date(2026, 12, 31)),
        Address("steunpunt", "new@partners.example", date(2027, 1, 1), None),
    ]
    server = MailServer()
    await a_delivery(server, addresses).perform(a_message_for(a_referral()), moment)
    assert [mail.to for mail in server.seen] == [address]


# To who asked a question


async def test_who_asked_gets_a_mail_with_a_link_that_the_message_does_not_hold() -> None:
    question = a_question()
    message, server, vault = a_message_for(question), MailServer(), Vault("griet@burger.example.org")
    await attempt(a_delivery(server, askers=vault), message, NOON)
    (mail,) = server.seen
    assert (mail.to, vault.asked) == ("griet@burger.example.org", [(question.question_id, question.case_id)])
    assert "https://duaal.example/vraag/volg/1" in mail.text.body
    (event,) = message.pending_events
    assert isinstance(event, MessageSent)
    assert (event.recipient, event.about) == ("asker", question.question_id)
    assert "griet" not in f"{message}"
    assert "volg" not in f"{message}"


async def test_who_left_no_address_gets_no_mail_and_that_is_no_failure() -> None:
    message, server = a_message_for(a_question()), MailServer()
    await attempt(a_delivery(server, askers=Vault()), message, NOON)
    assert (message.status, message.due_at, message.attempts) == (Status.NO_ADDRESS, None, 0)
    assert (message.pending_events, server.seen) == ([], [])


async def test_the_vault_is_asked_again_at_every_attempt_until_it_gives_up() -> None:
    message, vault = a_message_for(a_question()), Vault(answers=False)
    moments = await attempts_until_the_end(message, a_delivery(MailServer(), askers=vault))
    assert [later - earlier for earlier, later in pairwise(moments)] == SCHEDULE
    assert len(vault.asked) == len(SCHEDULE) + 1
    (event,) = message.pending_events
    assert isinstance(event, MessageFailed)
    assert (event.reason, event.recipient) == (DeliveryFailure.GAVE_UP, "asker")
