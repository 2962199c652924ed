"""Answers to a caller: a problem document that names the field, and nothing internal."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import uuid4

import pytest
from asyncpg import InterfaceError, TooManyConnectionsError
from fastapi import APIRouter, Depends
from httpx import ASGITransport, AsyncClient, Response
from pydantic import BaseModel, ConfigDict, Field

from chassis.commands import Commands
from chassis.execution import Executor
from chassis.handling import NotFound, PermanentError, Refused, handlers_of
from chassis.http import LARGEST_BODY, IdempotencyKey, create_app, json_only
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.persistence.connection import open_pool
from chassis.persistence.store import PostgresStore
from chassis.testing.builders import NOON, a_record
from tests.chassis.conftest import Rig, postgres_store
from tests.chassis.tally import TALLY, Count, Handlers, Total, a_count
from tests.conftest import Databases


class Form(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[int, Field(ge=-5, le=5)]
    words: Annotated[str, Field(max_length=10)] = ""


class Site:
    """The HTTP side of tally, in this process."""

    def __init__(self, store: PostgresStore) -> None:
        self.health = Health()
        self.metrics = Metrics()
        self.error: Exception | None = None
        self.tally_id = uuid4()
        executor = Executor("tally", store, now=lambda: NOON)
        commands = Commands("tally", handlers_of(Handlers()), executor, Metrics(), now=lambda: NOON)
        router = APIRouter(dependencies=[Depends(json_only)])

        @router.post("/counts")
        async def count(form: Form, key: IdempotencyKey = None) -> Total:
            if self.error:
                raise self.error
            return await commands.execute(Count(tally_id=self.tally_id, amount=form.amount), Total, key)

        app = create_app("tally", self.health, self.metrics, router)
        self.client = AsyncClient(transport=ASGITransport(app, raise_app_exceptions=False), base_url="http://tally")

    async def post(self, content: Any = b'{"amount": 1}', key: str | None = None) -> Response:
        headers = {"content-type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        return await self.client.post("/counts", content=content, headers=headers)


@pytest.fixture
async def site(postgres: PostgresStore) -> AsyncIterator[Site]:
    """One tally, at 1."""
    site = Site(postgres)
    await Rig(postgres).deliver(a_record(a_count(site.tally_id)))
    async with site.client:
        yield site


def problem(answer: Response, status: int) -> dict[str, Any]:
    """The problem document of an answer."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


def fields(body: dict[str, Any]) -> list[str]:
    return [error["field"] for error in body["errors"]]


@pytest.mark.parametrize("content", [b'{"amount": 1}', b'\xef\xbb\xbf{"amount": 1}'], ids=["plain", "byte order mark"])
async def test_what_is_right_is_answered(site: Site, content: bytes) -> None:
    answer = await site.post(content)
    assert (answer.status_code, answer.json()) == (200, {"total": 2})


@pytest.mark.parametrize("content", [b"{", b"amount=1", b"\xff", b'{"amount": 1}{', b"[" * 10_000])
async def test_what_is_not_json_is_a_400(site: Site, content: bytes) -> None:
    problem(await site.post(content), 400)


async def test_nothing_is_no_form(site: Site) -> None:
    problem(await site.post(b""), 422)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.count+json"])
async def test_json_is_json_whatever_it_is_called(site: Site, kind: str) -> None:
    answer = await site.client.post("/counts", content=b'{"amount": 1}', headers={"content-type": kind})
    assert answer.status_code == 200


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}, {"content-type": "multipart/form-data"}])
async def test_what_a_page_of_another_site_can_send_unasked_is_not_read(site: Site, headers: dict[str, str]) -> None:
    answer = await site.client.post("/counts", content=b'{"amount": 1}', headers=headers)
    problem(answer, 415)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"{}", "amount"),
        (b'{"amount": "many"}', "amount"),
        (b'{"amount": 6}', "amount"),
        (b'{"amount": null}', "amount"),
        (b'{"amount": 1, "amuont": 1}', "amuont"),
        (b'{"amount": 1, "words": "far too many words"}', "words"),
    ],
)
async def test_a_wrong_field_is_a_422_that_names_it_in_dutch_and_does_not_repeat_it(
    site: Site, content: bytes, field: str
) -> None:
    body = problem(await site.post(content), 422)
    assert fields(body) == [field]
    (error,) = body["errors"]
    assert error["reason"].endswith(".")
    assert "should" not in error["reason"], "that is English"
    assert "{" not in error["reason"], "a placeholder was left in"
    assert "far too many words" not in str(body)


async def test_a_body_that_is_neither_is_a_422(site: Site) -> None:
    problem(await site.post(b"[]"), 422)


async def test_what_the_rules_refuse_is_a_422_that_says_why(site: Site) -> None:
    body = problem(await site.post(b'{"amount": -1}'), 422)
    assert body["errors"] == [{"field": "amount", "reason": "Tellen gaat vooruit."}]


async def test_a_body_of_64_kb_is_read_and_one_byte_more_is_not(site: Site) -> None:
    largest = b'{"amount": 1' + b" " * (LARGEST_BODY - 13) + b"}"
    assert (await site.post(largest)).status_code == 200
    problem(await site.post(largest + b" "), 413)


async def test_a_body_without_an_announced_length_is_limited_too(site: Site) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000

    problem(await site.post(endless()), 413)


async def test_the_same_key_gives_the_same_answer_and_another_body_a_409(site: Site) -> None:
    first = await site.post(key="a-key-of-mine")
    await site.post()
    assert (await site.post(key="a-key-of-mine")).json() == first.json()
    body = problem(await site.post(b'{"amount": 2}', key="a-key-of-mine"), 409)
    assert fields(body) == ["Idempotency-Key"]


async def test_a_key_that_is_too_short_to_be_one_is_named(site: Site) -> None:
    assert fields(problem(await site.post(key="1"), 422)) == ["Idempotency-Key"]


async def test_what_does_not_exist_is_a_404(site: Site) -> None:
    problem(await site.client.get("/nowhere"), 404)
    problem(await site.client.get("/counts"), 405)
    site.tally_id = uuid4()
    problem(await site.post(), 404)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("amount", "Nee."), 422),
        (PermanentError("no"), 422),
        (NotFound("no"), 404),
        (ConnectionRefusedError(), 503),
        (TimeoutError(), 503),
        (TooManyConnectionsError(), 503),
        (InterfaceError("pool is closed"), 503),
        (RuntimeError("Lotte Peeters"), 500),
        (KeyError("Lotte Peeters"), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_every_failure_has_its_status_and_tells_nothing_of_the_inside(
    site: Site, error: Exception, status: int
) -> None:
    site.error = error
    body = problem(await site.post(), status)
    assert "Lotte" not in str(body)


async def test_a_database_that_is_down_is_a_503_that_says_when_to_come_back(databases: Databases) -> None:
    url, suffix = await databases.make(TALLY)
    async with await open_pool(url, size=2) as pool:
        site = Site(postgres_store(pool))
        databases.drop(TALLY, suffix)
        async with site.client:
            answer = await site.post()
            problem(answer, 503)
            assert int(answer.headers["Retry-After"]) > 0


async def test_alive_is_about_progress_and_ready_about_what_is_waited_for(site: Site) -> None:
    async def status(path: str) -> tuple[int, Any]:
        answer = await site.client.get(path)
        return answer.status_code, answer.json()

    site.health.expect("relay")
    assert await status("/ready") == (503, {"waiting_for": ["relay"]})
    site.health.progress("relay")
    assert await status("/ready") == (200, {"waiting_for": []})
    assert await status("/live") == (200, {"stuck": []})
    site.health.stuck_after = -1
    assert await status("/live") == (503, {"stuck": ["relay"]})


async def test_metrics_are_read_as_prometheus_expects(site: Site) -> None:
    answer = await site.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# HELP duaal_messages_total" in answer.text
