"""Intake and the login provider on a real socket, as a program sees them that sends mail."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs

from chassis.client_credentials import ClientCredentials
from chassis.tokens import Provider

SECRET = "the-secret-of-notifications"
LIVES = 3600
"""Seconds of a token."""


class Asked(NamedTuple):
    """A request about somebody, and the token that it came with."""

    method: str
    path: str
    token: str


@dataclass
class VaultServer:
    """Everybody has this address; None: they left none. `status` is the answer to who asks for it."""

    email: str | None = None
    status: int = HTTPStatus.OK
    granted: list[dict[str, list[str]]] = field(default_factory=list)
    """The form with which each token was asked for."""
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def links(self) -> list[str]:
        """The address of every link that was made, oldest first."""
        made = [one for one in self.asked if one.method == "POST"]
        return [f"https://duaal.example/vraag/volg/{number:040}" for number, _ in enumerate(made, start=1)]

    def credentials(self, **given: Any) -> ClientCredentials:
        """How notifications shows who it is here."""
        return ClientCredentials(Provider(self.url), "notifications", SECRET, **given)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): text for name, text in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = request.split()
        status, answer = self._answer(method, path, headers.get("authorization", ""), body.decode())
        content = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        with suppress(ConnectionError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    def _answer(self, method: str, path: str, token: str, body: str) -> tuple[int, dict[str, Any]]:
        match path.split("/")[1:]:
            case [".well-known", _]:
                return HTTPStatus.OK, {"token_endpoint": f"{self.url}/token"}
            case ["token"]:
                self.granted.append(parse_qs(body))
                return HTTPStatus.OK, {"access_token": f"token-{len(self.granted)}", "expires_in": LIVES}
        self.asked.append(Asked(method, path, token.removeprefix("Bearer ")))
        if self.status != HTTPStatus.OK:
            return self.status, {"detail": "Niet nu."}
        return HTTPStatus.OK, {"email": self.email} if method == "GET" else {"address": self.links[-1]}
