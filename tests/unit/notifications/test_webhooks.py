"""Which webhooks a partner may have, and what happens when one cannot be delivered, in simulated time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from chassis.cli import command_line
from chassis.partners import InvalidManifest
from chassis.settings import InvalidSettings
from chassis.testing.builders import NOON, a_context
from chassis.testing.scenario import Scenario
from contracts.envelope import Envelope
from contracts.notifications import WebhookFailed
from contracts.vocabulary import DeliveryFailure
from services.notifications.adapters.subscribers import Subscriber, read_secrets, subscribers_of
from services.notifications.app import build, webhook_handlers
from services.notifications.application.ports import Answer, Post
from services.notifications.application.webhook_delivery import WebhookDelivery
from services.notifications.application.webhook_handlers import WebhookHandlers
from services.notifications.domain.attempts import WITH_WEBHOOKS, Status
from services.notifications.domain.webhook import Webhook
from services.notifications.settings import NotificationsSettings
from tests.builders import a_workplace
from tests.webhooks import DOSSIER, MATCH, QUESTION, WORKPLACE, a_partner, a_secret, manifest, settings_with

URL = "https://vdab.example.org/duaal"
SECRETS = {"vdab": a_secret()}


def subscribe(*types: str, url: str = URL, loopback: bool = False, **changed: Any) -> Subscriber:
    (subscriber,) = subscribers_of([a_partner("vdab", url, *types, **changed)], SECRETS, loopback=loopback)
    return subscriber


def test_a_partner_has_a_url_for_each_type_that_it_asks_for() -> None:
    webhooks = [{"url": URL, "types": [WORKPLACE]}, {"url": f"{URL}/2", "types": [DOSSIER]}]
    assert subscribe(WORKPLACE, DOSSIER, webhooks=webhooks).urls == {WORKPLACE: URL, DOSSIER: f"{URL}/2"}


def test_each_type_knows_its_partners() -> None:
    one, other = Subscriber("vdab", {WORKPLACE: URL, DOSSIER: URL}, ()), Subscriber("unizo", {WORKPLACE: URL}, ())
    assert webhook_handlers([one, other]).partners == {WORKPLACE: ("vdab", "unizo"), DOSSIER: ("vdab",)}


@pytest.mark.parametrize(
    ("types", "changed", "reason"),
    [
        ([WORKPLACE], {"reads": ["duaal.intake.cases"]}, "is on duaal.intake.workplaces, which is not among its reads"),
        ([MATCH], {}, "is confidential, so it does not leave by webhook: read it from duaal.matching.proposals"),
        (
            ["be.duaalwest.notifications.MessageSent.v1"],
            {},
            "duaal.notifications.messages, which notifications does not",
        ),
        (["be.duaalwest.intake.Nothing.v1"], {}, "is no type of ours"),
        ([QUESTION, QUESTION], {}, "is asked for twice"),
        ([QUESTION], {"url": "http://vdab.example.org/"}, "http://vdab.example.org/ is not https"),
        ([QUESTION], {"url": "http://127.0.0.1:80/"}, "is not https"),
        ([QUESTION], {"url": "http://127.0.0.1.example.org/", "loopback": True}, "is not https"),
    ],
)
def test_a_manifest_that_asks_for_more_than_it_may_is_refused(
    types: list[str], changed: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidManifest, match=f"^vdab.yaml: webhooks: .*{reason}"):
        subscribe(*types, **changed)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/", "http://localhost/", "http://[::1]:80/"])
def test_this_machine_is_for_trying_out(url: str) -> None:
    assert subscribe(WORKPLACE, url=url, loopback=True).urls[WORKPLACE].startswith("http://")


@pytest.mark.parametrize(
    "secrets",
    [
        {},
        {"unizo": a_secret()},
        {"vdab": ""},
        {"vdab": "secret"},
        {"vdab": "whsec_c2hvcnQ="},
        {"vdab": "whsec_not base64"},
        {"vdab": f"{a_secret('a')} {a_secret('b')} {a_secret('c')}"},
    ],
)
def test_without_a_good_secret_nothing_starts_and_no_secret_is_shown(secrets: dict[str, str]) -> None:
    with pytest.raises(InvalidSettings, match="NOTIFICATIONS_WEBHOOK_SECRETS: vdab ") as refusal:
        subscribers_of([a_partner("vdab", URL, WORKPLACE)], secrets, loopback=False)
    shown = [word for word in " ".join(secrets.values()).split() if word.startswith("whsec_") and word in str(refusal)]
    assert shown == []


def test_the_service_says_in_one_sentence_why_it_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_with(tmp_path, [manifest("vdab", URL, WORKPLACE)], {})
    monkeypatch.setenv("NOTIFICATIONS_DATABASE_URL", "unused")
    monkeypatch.setenv("NOTIFICATIONS_PARTNERS", str(settings.partners))
    ending = CliRunner().invoke(command_line(NotificationsSettings, build), ["run"])
    said = "NOTIFICATIONS_WEBHOOK_SECRETS: vdab has webhooks in its manifest and no secret to sign them with\n"
    assert (ending.exit_code, ending.stderr) == (2, said)


def test_a_partner_without_webhooks_needs_no_secret() -> None:
    assert subscribers_of([a_partner("vdab", URL, WORKPLACE, webhooks=[])], {}, loopback=False) == []


@pytest.mark.parametrize("content", [None, "whsec_abc", '["whsec_abc"]', '{"vdab": 7}'])
def test_a_file_of_secrets_that_is_none_is_refused_without_showing_it(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "secrets.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InvalidSettings, match="NOTIFICATIONS_WEBHOOK_SECRETS: ") as refusal:
        read_secrets(file)
    assert "whsec_abc" not in str(refusal.value)


def test_a_subscriber_does_not_show_its_keys() -> None:
    assert "kkk" not in repr(subscribe(WORKPLACE))


def test_the_same_event_makes_webhooks_with_the_same_ids_one_for_each_partner() -> None:
    workplace = a_workplace()
    received = Envelope("e-1", "/services/intake", WORKPLACE, NOON, str(workplace.workplace_id)), workplace.to_json()
    ids = []
    for at in (NOON, NOON + timedelta(days=1)):
        scenario = Scenario(tuple(WebhookHandlers({WORKPLACE: ("vdab", "unizo")}).handlers()))
        scenario.when(workplace, a_context(id_="e-1", at=at)._replace(received=received))
        ids.append([one.id for one in scenario.all(Webhook)])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


@dataclass
class Partner:
    """Always gives the same answer, and keeps every post."""

    answer: Answer
    seen: list[Post] = field(default_factory=list)

    async def post(self, post: Post) -> Answer:
        self.seen.append(post)
        return self.answer


def a_webhook() -> Webhook:
    return Webhook.queue(uuid4(), "vdab", WORKPLACE, "{}", None, NOON)


async def attempt(delivery: WebhookDelivery, webhook: Webhook, now: datetime) -> None:
    """Perform one attempt, and record it."""
    delivery.record(webhook, await delivery.perform(webhook, now), now)


async def test_every_wait_is_longer_than_the_one_before() -> None:
    webhook, partner, moments = a_webhook(), Partner(Answer.NOT_NOW), []
    while webhook.due_at:
        moments.append(webhook.due_at)
        await attempt(WebhookDelivery("vdab", {WORKPLACE: URL}, partner, WITH_WEBHOOKS), webhook, webhook.due_at)
    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert waits == sorted(set(waits))
    assert (webhook.status, len(partner.seen)) == (Status.FAILED, len(waits) + 1)
    assert {post.body for post in partner.seen} == {b"{}"}


async def test_what_cannot_even_be_posted_fails_at_last() -> None:
    webhook, delivery = a_webhook(), WebhookDelivery("vdab", {WORKPLACE: URL}, Partner(Answer.ACCEPTED), WITH_WEBHOOKS)
    while webhook.due_at:
        delivery.record_error(webhook, webhook.due_at)
    (event,) = webhook.pending_events
    assert isinstance(event, WebhookFailed)
    assert event.reason == DeliveryFailure.GAVE_UP


async def test_what_the_manifest_does_not_ask_for_any_more_is_not_posted() -> None:
    webhook, partner = a_webhook(), Partner(Answer.ACCEPTED)
    await attempt(WebhookDelivery("vdab", {DOSSIER: URL}, partner, WITH_WEBHOOKS), webhook, NOON)
    assert (webhook.status, webhook.due_at, partner.seen) == (Status.FAILED, None, [])
    (event,) = webhook.pending_events
    assert isinstance(event, WebhookFailed)
    assert (event.reason, event.attempts) == (DeliveryFailure.NO_ADDRESS, 0)
