"""Partners with webhooks: their manifests, their secrets, and the server of a partner on a real socket."""

import asyncio
import base64
import json
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import yaml

from chassis.partners import Partner
from chassis.topics import TOPICS
from contracts.registry import EVENTS
from services.notifications.settings import NotificationsSettings

QUESTION = "be.duaalwest.intake.QuestionReceived.v1"
WORKPLACE = "be.duaalwest.intake.WorkplaceRegistered.v1"
DOSSIER = "be.duaalwest.pof.ProgrammatieSubmitted.v1"
MATCH = "be.duaalwest.matching.MatchProposed.v1"
"""Confidential."""


def listening_to(data_classes: Iterable[str]) -> list[str]:
    """The types that notifications reads from topics with these data classes."""
    topics = {
        name for name, one in TOPICS.items() if one.data_class in data_classes and "notifications" in one.consumers
    }
    return [type_ for type_, model in EVENTS.items() if model.declaration.topic in topics]


def manifest(id_: str, url: str, *types: str, **changed: Any) -> dict[str, Any]:
    """The manifest of a partner that asks for these types at this URL, and may read their topics."""
    return {
        "id": id_,
        "name": id_.title(),
        "contact": f"ict@{id_}.example.org",
        "sources": [f"urn:partner:{id_}"],
        "publishes": [],
        "reads": sorted({EVENTS[type_].declaration.topic for type_ in types if type_ in EVENTS}),
        "quota": {"events_per_minute": 60, "bytes_per_second": 65536},
        "calendar": {"since": "2026-09-01"},
        "webhooks": [{"url": url, "types": [*types]}],
    } | changed


def a_partner(id_: str, url: str, *types: str, **changed: Any) -> Partner:
    """The same partner, read from its manifest."""
    return Partner.model_validate(manifest(id_, url, *types, **changed))


def a_secret(letter: str = "k") -> str:
    return "whsec_" + base64.b64encode(letter.encode() * 32).decode()


def settings_with(
    folder: Path, manifests: Iterable[dict[str, Any]], secrets: Mapping[str, str], **changed: Any
) -> NotificationsSettings:
    """Notifications' settings, with these manifests and secrets as files."""
    partners, file = folder / "partners", folder / "secrets.json"
    partners.mkdir(exist_ok=True)
    for one in manifests:
        (partners / f"{one['id']}.yaml").write_text(yaml.safe_dump(one))
    file.write_text(json.dumps(dict(secrets)))
    given = {"database_url": "unused", "webhooks_to_loopback": True, **changed}
    return NotificationsSettings(partners=partners, webhook_secrets=file, **given)


class Posted(NamedTuple):
    """A request that a partner's server received; names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class PartnerServer:
    """Answers with these status codes one by one, then always the last; None: no answer until it is released."""

    answers: list[int | None] = field(default_factory=lambda: [204])
    posts: list[Posted] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    tls: ssl.SSLContext | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/duaal"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): text for name, text in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.posts.append(Posted(request.split()[1], headers, body))
        answer = self.answers[min(len(self.posts), len(self.answers)) - 1]
        if answer is None:
            await self.released.wait()
        writer.write(
            f"HTTP/1.1 {answer or 503} -\r\nlocation: {self.url}/elsewhere\r\ncontent-length: 0\r\n\r\n".encode()
        )
        with suppress(ConnectionError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()
