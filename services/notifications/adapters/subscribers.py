"""The partners with webhooks, their URLs and signing keys: read from manifests and the file of secrets."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import HttpUrl, TypeAdapter, ValidationError

from chassis.partners import InvalidManifest, Partner, Webhook
from chassis.settings import InvalidSettings
from chassis.topics import TOPICS, consumed_by
from contracts.registry import EVENTS

TRAVELS = frozenset({"public", "internal"})
"""Data classes that may leave by webhook; a partner that may read other data reads it from Kafka."""
LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})
PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Length of a key in bytes, by Standard Webhooks."""
SECRETS = "NOTIFICATIONS_WEBHOOK_SECRETS"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A partner with webhooks: the URL for each type of event, and the keys, newest first."""

    partner: str
    urls: Mapping[str, str]
    keys: tuple[bytes, ...] = field(repr=False)


def subscribers_of(partners: Iterable[Partner], secrets: Mapping[str, str], *, loopback: bool) -> list[Subscriber]:
    """The partners that have webhooks. `loopback`: they may be on this machine, without TLS.

    Raises:
        InvalidManifest: a partner asks for an event that it may not have, or for a URL that is not allowed.
        InvalidSettings: a partner has no valid secret.
    """
    return [
        Subscriber(partner.id, _urls(partner, loopback), _keys(partner.id, secrets))
        for partner in partners
        if partner.webhooks
    ]


def read_secrets(file: Path) -> dict[str, str]:
    """Per partner one secret, or the new and the old one with a space between them.

    Raises:
        InvalidSettings: there is no such file, or its content is something else.
    """
    try:
        return TypeAdapter(dict[str, str]).validate_json(file.read_bytes())
    except OSError as error:
        raise InvalidSettings(f"{SECRETS}: {file} cannot be read: {error.strerror}") from None
    except ValidationError:
        raise InvalidSettings(f"{SECRETS}: {file} is not a JSON object of partners and their secrets") from None


def _urls(partner: Partner, loopback: bool) -> dict[str, str]:
    urls: dict[str, str] = {}
    for webhook in partner.webhooks:
        if reason := _insecure(webhook.url, loopback) or next(filter(None, _forbidden(partner, webhook)), None):
            raise InvalidManifest(f"{partner.id}.yaml: webhooks: {reason}")
        for type_ in webhook.types:
            if type_ in urls:
                raise InvalidManifest(f"{partner.id}.yaml: webhooks: {type_} is asked for twice")
            urls[type_] = str(webhook.url)
    return urls


def _insecure(url: HttpUrl, loopback: bool) -> str | None:
    if url.scheme == "https" or (loopback and url.host in LOOPBACK):
        return None
    return f"{url} is not https"


def _forbidden(partner: Partner, webhook: Webhook) -> Iterable[str | None]:
    """For each type why the partner may not have it; None when it may."""
    for type_ in webhook.types:
        model = EVENTS.get(type_)
        topic = model.declaration.topic if model else None
        if topic is None:
            yield f"{type_} is no type of ours"
        elif topic not in partner.reads:
            yield f"{type_} is on {topic}, which is not among its reads"
        elif TOPICS[topic].data_class not in TRAVELS:
            yield f"{type_} is {TOPICS[topic].data_class}, so it does not leave by webhook: read it from {topic}"
        elif topic not in consumed_by("notifications"):
            yield f"{type_} is on {topic}, which notifications does not read"


def _keys(partner: str, secrets: Mapping[str, str]) -> tuple[bytes, ...]:
    if partner not in secrets:
        raise InvalidSettings(f"{SECRETS}: {partner} has webhooks in its manifest and no secret to sign them with")
    keys = tuple(map(_key, secrets[partner].split()))
    if len(keys) not in {1, 2} or not all(SHORTEST <= len(key) <= LONGEST for key in keys):
        form = f"{PREFIX} and the base64 of {SHORTEST} to {LONGEST} bytes"
        raise InvalidSettings(f"{SECRETS}: {partner} needs one secret, or two with a space between: {form}")
    return keys


def _key(secret: str) -> bytes:
    """The bytes of a key; empty when the text is not one."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except ValueError:
        return b""
