"""Webhooks on a real PostgreSQL, to servers of partners on real sockets; every event is delivered twice."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError
from typer.testing import CliRunner

from chassis.persistence.retention import Retention, RetentionJob
from chassis.record import Outcome
from chassis.service import Service
from chassis.testing.builders import a_record
from chassis.testing.eventually import eventually
from chassis.testing.harness import ServiceUnderTest
from contracts.envelope import STRUCTURED, Envelope, read
from contracts.notifications import WebhookFailed
from contracts.vocabulary import DeliveryFailure
from deploy.local.stack import Stack
from services.notifications.adapters.webhook_commands import WebhookCommands
from services.notifications.adapters.webhooks import HttpReceiver
from services.notifications.app import build
from services.notifications.application.ports import Answer, Post
from services.notifications.application.webhook_delivery import WebhookDelivery
from services.notifications.domain.attempts import Status
from services.notifications.domain.message import Message
from services.notifications.domain.webhook import Webhook
from services.notifications.settings import NotificationsSettings
from tests.builders import a_question, a_submitted_dossier, a_workplace
from tests.webhooks import DOSSIER, WORKPLACE, PartnerServer, Posted, a_secret, manifest, settings_with

CERTIFICATE = Path(__file__).parent.parent / "untrusted.pem"
SECRETS = {"vdab": a_secret("v"), "unizo": f"{a_secret('n')} {a_secret('o')}"}


@pytest.fixture
async def vdab() -> AsyncIterator[PartnerServer]:
    async with PartnerServer() as server:
        yield server


@pytest.fixture
async def unizo() -> AsyncIterator[PartnerServer]:
    async with PartnerServer() as server:
        yield server


@pytest.fixture
def service(vdab: PartnerServer, unizo: PartnerServer, tmp_path: Path, stack: Stack) -> Service:
    """The real service: both partners ask for workplaces, unizo for dossiers too."""
    manifests = [manifest("vdab", vdab.url, WORKPLACE), manifest("unizo", unizo.url, WORKPLACE, DOSSIER)]
    return build(settings_with(tmp_path, manifests, SECRETS, smtp_host=stack.mail.host, smtp_port=stack.mail.port))


@pytest.fixture
def under_test(under_test: ServiceUnderTest) -> ServiceUnderTest:
    """With the real time, because the verification of a signature uses the real clock."""
    under_test.now = datetime.now(UTC)
    return under_test


async def webhooks_of(under_test: ServiceUnderTest, partner: str = "vdab") -> list[Webhook]:
    return [one for one in await under_test.all(Webhook) if one.partner == partner]


async def the_webhook(under_test: ServiceUnderTest) -> Webhook:
    (webhook,) = await webhooks_of(under_test)
    return webhook


async def the_failure(under_test: ServiceUnderTest) -> WebhookFailed:
    (event,) = await under_test.events()
    assert isinstance(event, WebhookFailed)
    return event


def posting_of(under_test: ServiceUnderTest, partner: str = "vdab") -> WebhookDelivery:
    (delivery,) = [
        one
        for one in under_test.service.outbound_actions
        if isinstance(one, WebhookDelivery) and one.partner == partner
    ]
    return delivery


def verify(posted: Posted, secret: str) -> None:
    Verifier(secret).verify(posted.body, posted.headers)


async def test_every_partner_that_asked_gets_one_webhook_although_the_event_comes_twice(
    under_test: ServiceUnderTest, vdab: PartnerServer, unizo: PartnerServer
) -> None:
    assert await under_test.deliver(a_workplace()) == [Outcome.HANDLED]
    assert await under_test.perform_outbound_actions() == 2
    assert await under_test.perform_outbound_actions() == 0
    assert [len(vdab.posts), len(unizo.posts)] == [1, 1]
    webhook = await the_webhook(under_test)
    assert (webhook.status, webhook.attempts, webhook.body) == (Status.SENT, 1, None)


async def test_what_is_posted_is_the_whole_event_also_what_we_do_not_know_of_it(
    under_test: ServiceUnderTest, vdab: PartnerServer
) -> None:
    workplace = a_workplace()
    data = json.loads(workplace.to_json()) | {"field_of_tomorrow": ["A", 1.5]}
    envelope = Envelope(
        id="01935f2a-6c00-7000-8000-0000000000a1",
        source="/services/intake",
        type=WORKPLACE,
        time=under_test.now,
        subject=str(workplace.workplace_id),
        sequence=7,
        dataschema="urn:duaalwest:schema:of-tomorrow",
    )
    await under_test.deliver_records(
        [a_record(workplace, headers=[*envelope.headers()], value=json.dumps(data).encode())]
    )
    await under_test.perform_outbound_actions()
    (posted,) = vdab.posts
    assert (posted.path, posted.headers["content-type"]) == ("/duaal", STRUCTURED)
    arrived, raw = read([("content-type", STRUCTURED.encode())], posted.body)
    assert (arrived, json.loads(raw or b"")) == (envelope, data)


async def test_its_signature_holds_and_that_of_a_changed_body_or_another_key_does_not(
    under_test: ServiceUnderTest, vdab: PartnerServer
) -> None:
    await under_test.deliver(a_workplace())
    await under_test.perform_outbound_actions()
    (posted,) = vdab.posts
    verify(posted, SECRETS["vdab"])
    assert posted.headers["webhook-id"] == str((await the_webhook(under_test)).id)
    for tampered, secret in (
        (posted._replace(body=posted.body.replace(b"}", b" }", 1)), SECRETS["vdab"]),
        (posted._replace(headers=posted.headers | {"webhook-id": "another"}), SECRETS["vdab"]),
        (posted, a_secret("x")),
    ):
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            verify(tampered, secret)


async def test_while_a_secret_is_being_changed_both_hold(under_test: ServiceUnderTest, unizo: PartnerServer) -> None:
    await under_test.deliver(a_workplace())
    await under_test.perform_outbound_actions()
    for secret in SECRETS["unizo"].split():
        verify(unizo.posts[0], secret)


async def test_a_type_with_a_letter_too_makes_both_in_one_transaction(
    under_test: ServiceUnderTest, unizo: PartnerServer
) -> None:
    await under_test.deliver(a_submitted_dossier())
    await under_test.perform_outbound_actions()
    assert len(unizo.posts) == 1
    assert {one.status for one in await under_test.all(Message)} == {Status.SENT}


async def test_what_nobody_asked_for_is_ignored(under_test: ServiceUnderTest) -> None:
    assert await under_test.deliver(a_question()) == [Outcome.IGNORED]


async def test_it_is_tried_again_as_the_same_webhook_until_the_partner_takes_it(
    under_test: ServiceUnderTest, vdab: PartnerServer
) -> None:
    vdab.answers = [500, 302, 204]
    await under_test.deliver(a_workplace())
    waits = []
    while (due := (await the_webhook(under_test)).due_at) is not None:
        waits.append(due - under_test.now)
        under_test.now = due
        await under_test.perform_outbound_actions()
    assert waits[1:] == [timedelta(seconds=5), timedelta(minutes=5)]
    assert {(one.path, one.headers["webhook-id"], one.body) for one in vdab.posts} == {
        ("/duaal", str((await the_webhook(under_test)).id), vdab.posts[0].body)
    }
    assert len({one.headers["webhook-timestamp"] for one in vdab.posts}) == 3
    verify(vdab.posts[0], SECRETS["vdab"])
    assert await under_test.events() == []


async def test_after_three_days_we_give_up_and_say_so(under_test: ServiceUnderTest, vdab: PartnerServer) -> None:
    vdab.answers = [503]
    await under_test.deliver(a_workplace())
    started = under_test.now
    while (due := (await the_webhook(under_test)).due_at) is not None:
        under_test.now = due
        await under_test.perform_outbound_actions()
    event, webhook = await the_failure(under_test), await the_webhook(under_test)
    assert (event.partner, event.type, event.reason) == ("vdab", WORKPLACE, DeliveryFailure.GAVE_UP)
    assert event.attempts == len(vdab.posts) == 10
    assert timedelta(days=3) < under_test.now - started < timedelta(days=4)
    assert (webhook.status, webhook.body) == (Status.FAILED, vdab.posts[0].body.decode())


async def test_a_partner_that_says_gone_is_not_asked_again(under_test: ServiceUnderTest, vdab: PartnerServer) -> None:
    vdab.answers = [410]
    await under_test.deliver(a_workplace())
    await under_test.perform_outbound_actions()
    event = await the_failure(under_test)
    assert (event.reason, event.attempts) == (DeliveryFailure.REFUSED, 1)
    assert (await the_webhook(under_test)).due_at is None


async def test_a_crash_between_the_post_and_its_record_posts_the_same_webhook_again(
    under_test: ServiceUnderTest, vdab: PartnerServer
) -> None:
    await under_test.deliver(a_workplace())
    lost = await the_webhook(under_test)
    await posting_of(under_test).perform(lost, under_test.now)  # its result is not recorded
    await under_test.perform_outbound_actions()
    first, second = vdab.posts
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1/", "https://xn--n3h.example/", "https://\x00/"],
    ids=["nobody listens", "a name that may not be", "no URL"],
)
async def test_a_partner_that_cannot_be_reached_is_tried_later(under_test: ServiceUnderTest, url: str) -> None:
    nowhere = replace(posting_of(under_test), urls={WORKPLACE: url})
    await under_test.deliver(a_workplace())
    assert await under_test.outbound_actions.perform_due(nowhere) == 1
    webhook = await the_webhook(under_test)
    assert (webhook.attempts, webhook.due_at) == (1, under_test.now + timedelta(seconds=5))


async def test_a_silent_partner_holds_up_neither_the_others_nor_the_mails(
    under_test: ServiceUnderTest, vdab: PartnerServer, unizo: PartnerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever happens to the others happens while vdab is waited for, however long it takes.
    monkeypatch.setattr(posting_of(under_test).receiver, "_timeout", 600)
    vdab.answers = [None]
    await under_test.deliver(*(a_workplace() for _ in range(20)), a_submitted_dossier())
    stop = asyncio.Event()
    actions = asyncio.create_task(under_test.outbound_actions.run(stop))
    try:
        await eventually(lambda: len(unizo.posts), lambda posts: posts == 21, within=60)
        mails = await eventually(lambda: under_test.all(Message), lambda all_: all(one.due_at is None for one in all_))
        assert {one.status for one in mails} == {Status.SENT}
        assert len(vdab.posts) == posting_of(under_test).at_once
        assert {one.status for one in await webhooks_of(under_test)} == {Status.QUEUED}
    finally:
        stop.set()
        vdab.released.set()
        await actions


async def test_a_partner_that_does_not_answer_in_time_is_tried_later(
    under_test: ServiceUnderTest, vdab: PartnerServer
) -> None:
    vdab.answers = [None]
    await under_test.deliver(a_workplace())
    impatient = HttpReceiver("vdab", [b"k" * 32], ssl.create_default_context(), timeout=0.2)
    await under_test.outbound_actions.perform_due(replace(posting_of(under_test), receiver=impatient))
    webhook = await the_webhook(under_test)
    assert (webhook.status, webhook.attempts) == (Status.QUEUED, 1)


@pytest.mark.parametrize(("trusted", "answer"), [(True, Answer.ACCEPTED), (False, Answer.NOT_NOW)])
async def test_a_server_that_cannot_show_who_it_is_gets_nothing(trusted: bool, answer: Answer) -> None:
    theirs, ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    theirs.load_cert_chain(CERTIFICATE)
    if trusted:
        ours.load_verify_locations(CERTIFICATE)
    async with PartnerServer(tls=theirs) as server:
        post = Post(uuid4(), server.url, b"{}", datetime.now(UTC))
        assert await HttpReceiver("vdab", [b"k" * 32], ours).post(post) is answer
        assert len(server.posts) == trusted


async def test_failed_webhooks_are_posted_again_by_command(
    under_test: ServiceUnderTest, vdab: PartnerServer, service_database: str
) -> None:
    vdab.answers = [410, 204]
    await under_test.deliver(a_workplace())
    await under_test.perform_outbound_actions()
    settings = NotificationsSettings(database_url=service_database)
    commands = WebhookCommands(lambda: (under_test.service, settings)).app()
    listed = await asyncio.to_thread(CliRunner().invoke, commands, ["list"])
    assert f"vdab  {WORKPLACE}  1 FAILED since {under_test.now:%Y-%m-%d}" in listed.output
    retried = await asyncio.to_thread(CliRunner().invoke, commands, ["retry", "vdab"])
    assert retried.output == "posted again to vdab: 1\n"
    under_test.now = datetime.now(UTC) + timedelta(seconds=1)
    await under_test.perform_outbound_actions()
    assert len({one.headers["webhook-id"] for one in vdab.posts}) == 1
    assert ((await the_webhook(under_test)).status, len(vdab.posts)) == (Status.SENT, 2)


async def test_webhooks_that_failed_long_ago_are_deleted_and_waiting_ones_are_not(
    under_test: ServiceUnderTest, vdab: PartnerServer
) -> None:
    vdab.answers = [410, 410, 503]
    age = "update webhooks set queued_at = now() - $1::interval where partner = 'vdab'"
    for days in (31, 29, 31):
        await under_test.deliver(a_workplace())
        await under_test.outbound_actions.perform_due(posting_of(under_test))
        await under_test.pool.execute(f"{age} and queued_at > now() - interval '1 day'", timedelta(days=days))
    deleted = await RetentionJob(under_test.pool, Retention(), under_test.service.given_up).forget()
    assert deleted["webhooks"] == 1
    assert {one.status for one in await webhooks_of(under_test)} == {Status.FAILED, Status.QUEUED}
