"""Mails to who asked a question: the address is asked for while a mail is sent, and is nowhere afterwards."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from email.message import EmailMessage
from http import HTTPStatus
from uuid import uuid4

import pytest

from chassis.record import Outcome
from chassis.service import Service
from chassis.settings import InvalidSettings
from chassis.testing.builders import END_OF_TIME, NOON
from chassis.testing.harness import ServiceUnderTest
from contracts.notifications import MessageFailed, MessageSent
from contracts.vocabulary import Channel, DeliveryFailure
from deploy.local.mail import deliveries, messages
from deploy.local.ports import first_free
from deploy.local.stack import Mail as MailServer
from deploy.local.stack import Stack
from services.notifications.app import build
from services.notifications.domain.attempts import Status
from services.notifications.domain.message import Message
from services.notifications.settings import NotificationsSettings
from tests.builders import a_question, a_referral
from tests.vault import SECRET, Asked, VaultServer

CANARY = "griet.kanarie@burger.example.org"


@pytest.fixture(scope="session")
def vault_port() -> int:
    return first_free(28_400)


@pytest.fixture
async def vault(vault_port: int) -> AsyncIterator[VaultServer]:
    async with VaultServer(CANARY, port=vault_port) as vault:
        yield vault


@pytest.fixture(scope="session")
def mail_server(stack: Stack) -> MailServer:
    return stack.mail


@pytest.fixture(scope="session")
def settings(mail_server: MailServer, vault_port: int) -> NotificationsSettings:
    return NotificationsSettings(
        database_url="unused",
        smtp_host=mail_server.host,
        smtp_port=mail_server.port,
        intake_url=f"http://127.0.0.1:{vault_port}",
        oidc_issuer=f"http://127.0.0.1:{vault_port}",
        client_secret=SECRET,
    )


@pytest.fixture(scope="session")
def service(settings: NotificationsSettings) -> Service:
    return build(settings)


@pytest.fixture
def stopped(mail_server: MailServer) -> Iterator[MailServer]:
    """The mail server, not running; it is there again for the next test."""
    mail_server.server.kill()
    yield mail_server
    if not mail_server.server.running:
        mail_server.server.start()


async def the_message(under_test: ServiceUnderTest) -> Message:
    (message,) = await under_test.all(Message)
    return message


def mails_of(server: MailServer, message: Message) -> list[EmailMessage]:
    return [mail for mail in messages(server.mailbox) if str(message.id) in mail["Message-ID"]]


async def test_a_question_on_the_website_becomes_one_mail_to_who_asked(
    under_test: ServiceUnderTest, mail_server: MailServer, vault: VaultServer
) -> None:
    question = a_question()
    assert await under_test.deliver(question) == [Outcome.HANDLED]
    assert await under_test.perform_outbound_actions() == 1
    message = await the_message(under_test)
    (mail,) = mails_of(mail_server, message)
    assert (mail["To"], mail["Subject"]) == (CANARY, "We hebben je vraag")
    assert vault.links[-1] in mail.get_content()
    assert vault.asked == [
        Asked("GET", f"/contacts/{question.question_id}", "token-1"),
        Asked("POST", f"/cases/{question.case_id}/links", "token-1"),
    ]
    (event,) = await under_test.events()
    assert isinstance(event, MessageSent)
    assert (event.recipient, event.about) == ("asker", question.question_id)


async def test_no_table_no_event_no_log_and_no_metric_holds_the_address_or_the_link(
    under_test: ServiceUnderTest, stopped: MailServer, vault: VaultServer, capfd: pytest.CaptureFixture[str]
) -> None:
    await under_test.deliver(a_question(), a_question())
    await under_test.perform_outbound_actions()
    vault.status = HTTPStatus.SERVICE_UNAVAILABLE
    under_test.now += timedelta(seconds=30)
    await under_test.perform_outbound_actions()
    vault.status = HTTPStatus.OK
    stopped.server.start()
    under_test.now += timedelta(minutes=2)
    await under_test.perform_outbound_actions()
    assert {one.status for one in await under_test.all(Message)} == {Status.SENT}
    seen = capfd.readouterr()
    assert "no mail connection" in seen.out + seen.err
    assert "intake answered 503" in seen.out + seen.err
    tables = await under_test.pool.fetch("select tablename from pg_tables where schemaname = 'public'")
    rows = {table: str(await under_test.pool.fetch(f'select t::text from "{table}" t')) for (table,) in tables}
    assert "asker" in rows["messages"]
    async with under_test.store.transaction() as transaction:
        outbox = [one.record for one in await transaction.outbox.unpublished(100, END_OF_TIME)]
    assert len(outbox) == 2
    everything = f"{rows}{seen.out}{seen.err}{outbox}{under_test.metrics.exposition()!r}"
    for secret in ("kanarie", "volg/", *(link[-40:] for link in vault.links), "token-1", SECRET):
        assert secret not in everything


async def test_who_left_no_address_is_not_written_to_and_gets_no_link(
    under_test: ServiceUnderTest, vault: VaultServer
) -> None:
    vault.email = None
    await under_test.deliver(a_question())
    await under_test.perform_outbound_actions()
    message = await the_message(under_test)
    assert (message.status, message.due_at) == (Status.NO_ADDRESS, None)
    assert vault.links == []
    assert await under_test.events() == []


async def test_a_question_that_intake_does_not_know_any_more_ends_the_same_way(
    under_test: ServiceUnderTest, vault: VaultServer
) -> None:
    vault.status = HTTPStatus.NOT_FOUND
    await under_test.deliver(a_question())
    await under_test.perform_outbound_actions()
    assert (await the_message(under_test)).status is Status.NO_ADDRESS


@pytest.mark.parametrize("status", [HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.FORBIDDEN])
async def test_while_intake_refuses_the_mail_waits_and_then_it_goes_out(
    under_test: ServiceUnderTest, mail_server: MailServer, vault: VaultServer, status: HTTPStatus
) -> None:
    vault.status = status
    await under_test.deliver(a_question())
    await under_test.perform_outbound_actions()
    message = await the_message(under_test)
    assert (message.status, message.due_at) == (Status.QUEUED, NOON + timedelta(seconds=30))
    vault.status = HTTPStatus.OK
    under_test.now += timedelta(seconds=30)
    await under_test.perform_outbound_actions()
    assert len(mails_of(mail_server, message)) == 1
    assert (await the_message(under_test)).attempts == 2


async def test_while_intake_is_down_others_get_their_mail_and_who_asked_waits_until_we_give_up(
    under_test: ServiceUnderTest,
) -> None:
    await under_test.deliver(a_question(), a_referral())
    await under_test.perform_outbound_actions()
    states = {one.recipient: one.status for one in await under_test.all(Message)}
    assert states == {"asker": Status.QUEUED, "steunpunt": Status.SENT}
    while due := next((one.due_at for one in await under_test.all(Message) if one.due_at), None):
        under_test.now = due
        await under_test.perform_outbound_actions()
    (failed,) = [one for one in await under_test.events() if isinstance(one, MessageFailed)]
    assert (failed.recipient, failed.reason) == ("asker", DeliveryFailure.GAVE_UP)


async def test_after_a_crash_the_same_mail_goes_out_again_with_a_link_that_works_too(
    under_test: ServiceUnderTest, mail_server: MailServer, vault: VaultServer
) -> None:
    await under_test.deliver(a_question())
    lost = await the_message(under_test)
    (delivery,) = under_test.service.outbound_actions
    await delivery.perform(lost, under_test.now)  # its result is not recorded
    assert await under_test.perform_outbound_actions() == 1
    ids = [one.message_id for one in deliveries(mail_server.mailbox) if str(lost.id) in one.message_id]
    assert len(ids) == 2
    (mail,) = mails_of(mail_server, lost)
    assert len(vault.links) == 2
    assert any(link in mail.get_content() for link in vault.links)


async def test_two_questions_of_one_case_are_two_mails(under_test: ServiceUnderTest, vault: VaultServer) -> None:
    case = uuid4()
    await under_test.deliver(a_question(case_id=case), a_question(case_id=case), a_question(channel=Channel.BALIE))
    assert await under_test.perform_outbound_actions() == 2
    assert len(vault.links) == 2


def test_without_its_settings_no_question_is_handled() -> None:
    service = build(NotificationsSettings(database_url="unused"))
    assert type(a_question()) not in service.handlers_by_message


@pytest.mark.parametrize("missing", ["oidc_issuer", "client_secret"])
def test_who_may_ask_intake_has_to_say_who_it_is(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    given = {"database_url": "x", "intake_url": "http://x", "oidc_issuer": "http://y", "client_secret": "z"}
    for name, value in given.items():
        if name != missing:
            monkeypatch.setenv(f"NOTIFICATIONS_{name.upper()}", value)
    with pytest.raises(InvalidSettings, match=r"INTAKE_URL: .* needs an oidc_issuer"):
        NotificationsSettings.read()
