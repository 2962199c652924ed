"""The HTTP server on a real socket: which requests reach the routes, and which are refused before."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import pytest
from fastapi import APIRouter, Header, HTTPException
from pydantic import BaseModel

from chassis.commands import CALLER_LEFT
from chassis.http import create_app
from chassis.http_server import HttpServer
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.testing.eventually import eventually
from deploy.local import ports

BODY = b'{"amount": 1}'
OFFER = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAAB\r\n"
"""Java's own client sends this with its first request, unless there is TLS."""
OPENING = b"POST /counts HTTP/1.1\r\nhost: tally\r\ncontent-type: application/json\r\n"


class Form(BaseModel):
    """The body of a request."""

    amount: int


@pytest.fixture
def callers() -> list[Callable[[], Awaitable[bool]]]:
    """How to ask whether the caller of each `/wait` left."""
    return []


@pytest.fixture
async def port(callers: list[Callable[[], Awaitable[bool]]]) -> AsyncIterator[int]:
    router = APIRouter()
    leave = asyncio.Event()

    @router.post("/wait")
    async def wait(form: Form) -> Form:
        if caller := CALLER_LEFT.get():
            callers.append(caller)
        await leave.wait()
        return form

    @router.post("/counts")
    async def count(form: Form) -> Form:
        return form

    @router.post("/late", responses={409: {}})
    async def late(form: Form, x_late: Annotated[str | None, Header()] = None) -> Form:
        if x_late:
            raise HTTPException(409)
        return form

    port = ports.choose(["http"], {})["http"]
    server = HttpServer(create_app("tally", Health(), Metrics(), router), ports.HOST, port)
    task = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await eventually(started)
    yield port
    leave.set()
    server.should_exit = True
    await task


def a_request(headers: bytes = b"", body: bytes = BODY) -> bytes:
    return OPENING + b"content-length: %d\r\n" % len(body) + headers + b"\r\n" + body


@asynccontextmanager
async def a_connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(ports.HOST, port)
    yield reader, writer
    writer.close()


async def status(reader: asyncio.StreamReader) -> int:
    """The status of the next answer, which is read to its end."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).lower()
    _, has_length, rest = head.partition(b"content-length: ")
    await (reader.readexactly(int(rest.split()[0])) if has_length else reader.read())
    return int(head.split()[1])


async def statuses(port: int, *parts: bytes) -> list[int]:
    """Send these one after the other over one connection; returns the status of every answer."""
    found: list[int] = []
    async with a_connection(port) as (reader, writer):
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            for part in parts:
                writer.write(part)
                found.append(await status(reader))
    return found


async def test_a_connection_is_kept_for_the_next_request(port: int) -> None:
    assert await statuses(port, a_request(), a_request(body=b"{"), a_request()) == [200, 400, 200]


@pytest.mark.parametrize("offer", [OFFER, b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: a\r\n"])
async def test_the_body_of_who_offers_another_protocol_arrives(port: int, offer: bytes) -> None:
    assert await statuses(port, a_request(offer), a_request(offer, b"{"), a_request()) == [200, 400, 200]


async def test_the_body_of_who_offers_another_protocol_may_come_in_pieces(port: int) -> None:
    chunked = OPENING + OFFER + b"transfer-encoding: chunked\r\n\r\n"
    async with a_connection(port) as (reader, writer):
        for piece in (chunked[:40], chunked[40:], b"5\r\n" + BODY[:5], b"\r\n8\r\n" + BODY[5:], b"\r\n0\r\n\r\n"):
            writer.write(piece)
            await writer.drain()
            # So that it comes in pieces. Pieces that arrive together after all make the test easier, never fail it.
            await asyncio.sleep(0.01)
        writer.write(a_request())
        assert [await status(reader), await status(reader)] == [200, 200]


async def test_who_offers_another_protocol_all_the_time_is_answered_all_the_time(port: int) -> None:
    async with a_connection(port) as (reader, writer):
        writer.write(a_request(OFFER) * 500)
        assert [await status(reader) for _ in range(500)] == [200] * 500


async def test_who_offers_another_protocol_may_close(port: int) -> None:
    closing = OFFER.replace(b"upgrade, ", b"close, upgrade, ")
    assert await statuses(port, a_request(closing), a_request()) == [200]
    assert await statuses(port, a_request(closing) + a_request()) == [200]


async def test_many_requests_at_once_are_not_headers_without_an_end(port: int) -> None:
    async with a_connection(port) as (reader, writer):
        writer.write(a_request() * 2_000 + a_request()[:20])
        assert [await status(reader) for _ in range(2_000)] == [200] * 2_000
        writer.write(a_request()[20:])
        assert await status(reader) == 200


async def test_what_comes_behind_the_body_is_no_header(port: int) -> None:
    chunked = OPENING + b"transfer-encoding: chunked\r\n\r\nd\r\n" + BODY + b"\r\n0\r\nx-late: 1\r\n\r\n"
    async with a_connection(port) as (reader, writer):
        writer.write(chunked.replace(b"/counts", b"/late"))
        assert await status(reader) == 200


async def test_this_is_no_proxy(port: int) -> None:
    assert 404 in await statuses(port, b"CONNECT elsewhere:80 HTTP/1.1\r\nhost: elsewhere\r\n\r\n", a_request())


@pytest.mark.parametrize(
    "headers",
    [b"content-length: 3\r\n", b"no colon\r\n", b"space before : colon\r\n", b"x: a\0b\r\n"],
    ids=["two lengths", "no colon", "space", "nul"],
)
async def test_headers_that_nobody_honest_sends_are_a_400_and_the_end(port: int, headers: bytes) -> None:
    assert await statuses(port, a_request(headers), a_request()) == [400]


@pytest.mark.parametrize(
    "opening",
    [
        a_request(b"x: " + b"a" * 1_000_000 + b"\r\n"),
        a_request(b"".join(b"x-%d: a\r\n" % number for number in range(100_000))),
        OPENING + b"x: " + b"a" * 1_000_000,
        OPENING + b"transfer-encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n" + b"x: a\r\n" * 200_000,
        OPENING + b"transfer-encoding: chunked\r\n\r\n1;" + b"a" * 1_000_000,
    ],
    ids=["too long", "too many", "without an end", "behind the body", "beside a length"],
)
async def test_headers_are_not_read_for_ever(port: int, opening: bytes) -> None:
    """The connection may be closed before the answer arrives."""
    assert await statuses(port, opening, a_request()) in ([400], [])
    assert await statuses(port, a_request()) == [200]


async def test_who_hung_up_is_seen_to_be_gone(port: int, callers: list[Callable[[], Awaitable[bool]]]) -> None:
    async with a_connection(port) as (_, writer):
        writer.write(a_request().replace(b"/counts", b"/wait"))
        await eventually(lambda: len(callers) == 1)
        assert not await callers[0]()
        writer.close()
        await eventually(callers[0])
