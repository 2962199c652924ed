"""Our webhooks with the npm packages that a partner would use to verify and read them."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from contracts.envelope import STRUCTURED, Envelope
from services.notifications.adapters.webhooks import signed
from services.notifications.application.ports import Post
from tests.builders import a_workplace
from tests.interop.clients import run
from tests.webhooks import WORKPLACE, a_secret

pytestmark = pytest.mark.npm

KEYS = [b"n" * 32, b"o" * 32]
"""The new key and the old one, as during a change."""


def a_post() -> Post:
    workplace, now = a_workplace(), datetime.now(UTC)
    envelope = Envelope(str(uuid4()), "/services/intake", WORKPLACE, now, str(workplace.workplace_id), sequence=7)
    return Post(uuid4(), "https://vdab.example.org/", envelope.structured(workplace.to_json()), now)


def received(headers: Mapping[str, str], body: bytes, secret: str) -> dict[str, Any]:
    line = {
        "secret": secret,
        "headers": {"content-type": STRUCTURED, **headers},
        "body": base64.b64encode(body).decode(),
    }
    answer: dict[str, Any] = json.loads(run("node", "standardwebhooks.mjs", given=json.dumps(line)))
    return answer


@pytest.mark.parametrize("letter", ["n", "o"])
def test_standardwebhooks_verifies_it_with_either_secret_and_cloudevents_reads_it(letter: str) -> None:
    post = a_post()
    event = received(signed(post, KEYS), post.body, a_secret(letter))["event"]
    sent = json.loads(post.body)
    assert {name: event[name] for name in ("id", "source", "type", "subject", "sequence", "data")} == {
        name: sent[name] for name in ("id", "source", "type", "subject", "sequence", "data")
    }


def test_standardwebhooks_refuses_what_was_changed_or_signed_with_another_secret() -> None:
    post = a_post()
    headers, other = signed(post, KEYS), {"refused": "No matching signature found"}
    assert received(headers, post.body.replace(b"sequence", b"Sequence"), a_secret("n")) == other
    assert received(headers, post.body, a_secret("x")) == other
