"""Notifications on a real PostgreSQL and a real mail server; every event is delivered twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from email.message import EmailMessage
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from chassis.record import Outcome
from chassis.service import Service
from chassis.testing.builders import END_OF_TIME, NOON
from chassis.testing.harness import ServiceUnderTest
from contracts.event import Event
from contracts.notifications import MessageFailed, MessageSent
from contracts.vocabulary import DeliveryFailure, ReferralKind, Topic
from deploy.local.mail import deliveries, messages
from deploy.local.stack import Mail as MailServer
from deploy.local.stack import Stack
from services.notifications.adapters.reference import Address, AddressBook, read_addresses
from services.notifications.adapters.smtp import SmtpMailer
from services.notifications.app import build, mail_delivery
from services.notifications.application.ports import Answer, Mail, Text
from services.notifications.domain.attempts import Status
from services.notifications.domain.message import Message
from services.notifications.settings import NotificationsSettings
from tests.builders import a_learner_at_risk, a_match, a_referral, a_submitted_dossier, a_workplace

F = TypeVar("F", bound=Event)

DOMAIN = "duaalwest.example"
DIFFICULT = [
    Address("refuses", "weigert@partners.example", date(2025, 9, 1), None),
    Address("busy", "later@partners.example", date(2025, 9, 1), None),
]


@pytest.fixture(scope="session")
def mail_server(stack: Stack) -> MailServer:
    return stack.mail


@pytest.fixture(scope="session")
def settings(mail_server: MailServer) -> NotificationsSettings:
    return NotificationsSettings(database_url="unused", smtp_host=mail_server.host, smtp_port=mail_server.port)


@pytest.fixture(scope="session")
def service(settings: NotificationsSettings) -> Service:
    """The real service, with two more addresses."""
    delivery = replace(mail_delivery(settings), addresses=AddressBook([*read_addresses(), *DIFFICULT]))
    return replace(build(settings), outbound_actions=[delivery])


@pytest.fixture
async def under_test(under_test: ServiceUnderTest, mail_server: MailServer) -> AsyncIterator[ServiceUnderTest]:
    """A test may stop the mail server; it is started again for the next test."""
    yield under_test
    mail_server.server.resume()
    if not mail_server.server.running:
        mail_server.server.start()


async def the_message(under_test: ServiceUnderTest) -> Message:
    (message,) = await under_test.all(Message)
    return message


async def the_event(under_test: ServiceUnderTest, kind: type[F]) -> F:
    (event,) = await under_test.events()
    assert isinstance(event, kind)
    return event


def message_id(id_: UUID) -> str:
    return f"<{id_}@{DOMAIN}>"


def mails(server: MailServer, id_: UUID) -> list[EmailMessage]:
    """The mails with this id in the mailbox."""
    return [mail for mail in messages(server.mailbox) if mail["Message-ID"] == message_id(id_)]


def times_accepted(server: MailServer, id_: UUID) -> int:
    return [one.message_id for one in deliveries(server.mailbox)].count(message_id(id_))


async def test_a_referral_becomes_one_mail_although_the_event_comes_twice(
    under_test: ServiceUnderTest, mail_server: MailServer
) -> None:
    referral = a_referral(kind=ReferralKind.WARM, topic=Topic.T03, service_id="clb-brugge")
    assert await under_test.deliver(referral) == [Outcome.HANDLED]
    assert await under_test.perform_outbound_actions() == 1
    event = await the_event(under_test, MessageSent)
    (mail,) = mails(mail_server, event.message_id)
    assert times_accepted(mail_server, event.message_id) == 1
    assert (mail["To"], mail["Subject"]) == ("clb-brugge@partners.example", "Graag contact opnemen: de studiekeuze")
    assert str(referral.referral_id) in mail.get_content()
    assert (event.recipient, event.about, event.attempts) == ("clb-brugge", referral.referral_id, 1)


async def test_a_mail_says_that_a_machine_wrote_it_and_for_whom(
    under_test: ServiceUnderTest, mail_server: MailServer
) -> None:
    await under_test.deliver(a_submitted_dossier())
    await under_test.perform_outbound_actions()
    (mail, _) = [mail for one in await under_test.all(Message) for mail in mails(mail_server, one.id)]
    assert mail["From"] == "Provinciaal Steunpunt Duaal Leren <steunpunt@duaalwest.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NOON
    assert (mail.get_content_type(), mail.get_content_charset()) == ("text/plain", "utf-8")
    assert "de officiële" in mail.get_content()


async def test_every_kind_of_event_reaches_everybody_that_it_concerns(
    under_test: ServiceUnderTest, mail_server: MailServer
) -> None:
    await under_test.deliver(a_referral(), a_match(), a_learner_at_risk(), a_submitted_dossier())
    await under_test.perform_outbound_actions()
    kept = await under_test.all(Message)
    assert {one.status for one in kept} == {Status.SENT}
    assert sorted(mail["To"] for one in kept for mail in mails(mail_server, one.id)) == [
        "pof-secretariaat@partners.example",
        "steunpunt@partners.example",
        "steunpunt@partners.example",
        "trajectbegeleiding.34074@scholen.example",
        "trajectbegeleiding.34074@scholen.example",
        "trajectbegeleiding.34074@scholen.example",
    ]


async def test_what_was_sent_is_not_due_any_more(under_test: ServiceUnderTest) -> None:
    await under_test.deliver(a_referral())
    await under_test.perform_outbound_actions()
    under_test.now += timedelta(days=30)
    assert await under_test.perform_outbound_actions() == 0


async def test_a_crash_between_sending_and_recording_sends_the_same_mail_again(
    under_test: ServiceUnderTest, mail_server: MailServer
) -> None:
    await under_test.deliver(a_referral())
    lost = await the_message(under_test)
    (delivery,) = under_test.service.outbound_actions
    await delivery.perform(lost, under_test.now)  # its result is not recorded
    assert await under_test.perform_outbound_actions() == 1
    assert times_accepted(mail_server, lost.id) == 2
    assert len(mails(mail_server, lost.id)) == 1
    assert (await the_event(under_test, MessageSent)).message_id == lost.id


async def test_a_recipient_that_is_refused_for_good_is_a_failure(under_test: ServiceUnderTest) -> None:
    await under_test.deliver(a_referral(service_id="refuses"))
    await under_test.perform_outbound_actions()
    event = await the_event(under_test, MessageFailed)
    assert (event.reason, event.attempts) == (DeliveryFailure.REFUSED, 1)


async def test_without_an_address_the_message_fails_and_nobody_gets_it(
    under_test: ServiceUnderTest, mail_server: MailServer
) -> None:
    await under_test.deliver(a_referral(service_id="nobody"))
    await under_test.perform_outbound_actions()
    event = await the_event(under_test, MessageFailed)
    assert event.reason is DeliveryFailure.NO_ADDRESS
    assert times_accepted(mail_server, event.message_id) == 0


async def test_a_busy_mailbox_is_tried_later_until_we_give_up(under_test: ServiceUnderTest) -> None:
    await under_test.deliver(a_referral(service_id="busy"))
    waits = []
    while due := (await the_message(under_test)).due_at:
        waits.append(due - under_test.now)
        under_test.now = due
        assert await under_test.perform_outbound_actions() == 1
    assert waits[1:3] == [timedelta(seconds=30), timedelta(minutes=2)]
    assert (await the_event(under_test, MessageFailed)).reason is DeliveryFailure.GAVE_UP


async def test_a_busy_mailbox_does_not_delay_the_others(under_test: ServiceUnderTest) -> None:
    await under_test.deliver(a_referral(service_id="busy"), a_referral(service_id="refuses"), a_referral())
    assert await under_test.perform_outbound_actions() == 3
    states = {one.recipient: one.status for one in await under_test.all(Message)}
    assert states == {"busy": Status.QUEUED, "refuses": Status.FAILED, "steunpunt": Status.SENT}


async def test_mail_waits_while_the_server_is_down_and_goes_out_when_it_is_back(
    under_test: ServiceUnderTest, mail_server: MailServer
) -> None:
    await under_test.deliver(a_referral())
    mail_server.server.kill()
    await under_test.perform_outbound_actions()
    assert await under_test.events() == []
    assert (await the_message(under_test)).due_at == NOON + timedelta(seconds=30)
    mail_server.server.start()
    under_test.now += timedelta(seconds=30)
    await under_test.perform_outbound_actions()
    event = await the_event(under_test, MessageSent)
    assert event.attempts == 2
    assert len(mails(mail_server, event.message_id)) == 1


class Counting(SmtpMailer):
    """Counts how often it turns to the server."""

    attempts = 0

    async def _attempt(self, mail: Mail) -> Answer:
        self.attempts += 1
        return await super()._attempt(mail)


async def test_a_silent_server_is_waited_for_once_and_not_by_every_mail(mail_server: MailServer) -> None:
    mailer = Counting(mail_server.host, mail_server.port, "from@duaalwest.example", DOMAIN, timeout=0.5)
    mail_server.server.pause()
    try:
        answers = await asyncio.gather(*(mailer.send(a_mail()) for _ in range(50)))
    finally:
        mail_server.server.resume()
    assert set(answers) == {Answer.NOT_NOW}
    assert mailer.attempts == 1
    mailer._timeout = 60
    assert await mailer.send(a_mail()) is Answer.ACCEPTED


async def test_many_mails_at_once_all_arrive_each_once(mail_server: MailServer) -> None:
    mailer = SmtpMailer(mail_server.host, mail_server.port, "from@duaalwest.example", DOMAIN)
    some = [a_mail() for _ in range(50)]
    assert set(await asyncio.gather(*map(mailer.send, some))) == {Answer.ACCEPTED}
    assert [times_accepted(mail_server, mail.id) for mail in some] == [1] * 50


def a_mail() -> Mail:
    return Mail(uuid4(), "steunpunt@partners.example", Text("Onderwerp", "Inhoud\n"), NOON)


async def test_an_event_belongs_to_the_case_of_the_event_that_caused_it(under_test: ServiceUnderTest) -> None:
    referrals = [a_referral(), a_referral(), a_referral()]
    await under_test.deliver(*referrals)
    await under_test.perform_outbound_actions()
    async with under_test.store.transaction() as transaction:
        rows = await transaction.outbox.unpublished(10, END_OF_TIME)
    correlations = {dict(row.record.headers)["ce_correlationid"] for row in rows}
    assert correlations == {str(referral.referral_id) for referral in referrals}


async def test_events_without_a_recipient_are_ignored(under_test: ServiceUnderTest) -> None:
    assert await under_test.deliver(a_workplace()) == [Outcome.IGNORED]
