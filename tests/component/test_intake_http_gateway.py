"""Partners without Kafka: CloudEvents over HTTP, on a real PostgreSQL."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.http import LARGEST_BODY
from chassis.partners import Partner
from chassis.service import Service
from chassis.settings import InvalidSettings
from chassis.testing.builders import NOON
from chassis.testing.harness import ServiceUnderTest
from contracts.intake import LearnerSearchStarted, QuestionReceived
from services.intake.adapters.partner_http import LARGEST_BATCH
from services.intake.app import build
from services.intake.application.border import LARGEST
from services.intake.settings import IntakeSettings
from tests.partners import MANIFESTS, PARTNERS, a_partner_record, counted, data_of, forgeries, headers_by

SCHOOLSOFT = PARTNERS["schoolsoft"]
QUESTION = "be.duaalwest.partner.QuestionReceived.v1"
SEARCH = "be.duaalwest.partner.LearnerSearchStarted.v1"
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
TOKENS = {id_: f"token-of-{id_}" for id_ in PARTNERS}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    """A new service for every test, because the quota is counted in memory."""
    file = tmp_path / "hashes.json"
    file.write_text(json.dumps({id_: hashlib.sha256(token.encode()).hexdigest() for id_, token in TOKENS.items()}))
    return build(IntakeSettings(database_url="unused", partners=MANIFESTS, partner_tokens=file))


@pytest.fixture
async def http(under_test: ServiceUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with under_test.http() as client:
        yield client


def event(type_: str = SEARCH, *, by: Partner = SCHOOLSOFT, **changed: Any) -> dict[str, Any]:
    """An event in structured mode, with some fields of the envelope or the data changed."""
    attributes = {"specversion": "1.0", "id": str(uuid4()), "source": by.sources[0], "type": type_}
    return {**attributes, "time": NOON.isoformat(), "data": data_of(type_), **changed}


async def post(
    http: httpx.AsyncClient,
    content: Any,
    content_type: str = STRUCTURED,
    *,
    by: Partner = SCHOOLSOFT,
    headers: Mapping[str, bytes] | None = None,
) -> httpx.Response:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    known = {"authorization": f"Bearer {TOKENS[by.id]}".encode(), "content-type": content_type.encode()}
    raw = [(name.encode(), value) for name, value in {**known, **(headers or {})}.items()]
    return await http.post("/partner/events", content=body, headers=raw)


def problem(answer: httpx.Response) -> list[tuple[int, str, str | None]]:
    """Index, code and field of every error in a problem document."""
    assert answer.headers["content-type"] == "application/problem+json"
    return [(error["index"], error["code"], error.get("field")) for error in answer.json().get("errors", [])]


async def test_an_event_in_binary_mode_is_taken_in(http: httpx.AsyncClient, under_test: ServiceUnderTest) -> None:
    attributes = dict(headers_by(SCHOOLSOFT, SEARCH, id_="n%C2%B07"))
    headers = {name.replace("_", "-"): value for name, value in attributes.items() if name != "content-type"}
    answer = await post(http, data_of(SEARCH), "application/json; charset=utf-8", headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"ids": ["n°7"]})
    (event,) = await under_test.events()
    assert isinstance(event, LearnerSearchStarted)


async def test_an_event_in_structured_mode_is_taken_in(http: httpx.AsyncClient, under_test: ServiceUnderTest) -> None:
    one = event(QUESTION)
    answer = await post(http, one)
    assert (answer.status_code, answer.json()) == (202, {"ids": [one["id"]]})
    (published,) = await under_test.events()
    assert isinstance(published, QuestionReceived)


async def test_a_batch_is_taken_in_in_its_order(http: httpx.AsyncClient, under_test: ServiceUnderTest) -> None:
    batch = [event(), event(QUESTION), event()]
    answer = await post(http, batch, BATCH)
    assert (answer.status_code, answer.json()) == (202, {"ids": [one["id"] for one in batch]})
    assert [type(published) for published in await under_test.events()] == [
        LearnerSearchStarted,
        QuestionReceived,
        LearnerSearchStarted,
    ]


async def test_what_is_sent_again_is_accepted_and_has_no_second_effect(
    http: httpx.AsyncClient, under_test: ServiceUnderTest
) -> None:
    one = event()
    for content, content_type in ((one, STRUCTURED), (one, STRUCTURED), ([one, event(), one], BATCH)):
        assert (await post(http, content, content_type)).status_code == 202
    assert len(await under_test.events()) == 2
    assert counted(under_test.metrics) == {"accepted": 2, "accepted DUPLICATE": 3}


async def test_what_came_over_kafka_has_no_second_effect_over_http(
    http: httpx.AsyncClient, under_test: ServiceUnderTest
) -> None:
    record = a_partner_record(SCHOOLSOFT, SEARCH, headers=headers_by(SCHOOLSOFT, SEARCH, id_="both"))
    await under_test.deliver_records([record])
    assert (await post(http, event(id="both"))).status_code == 202
    assert len(await under_test.events()) == 1


async def test_of_a_batch_with_an_error_nothing_is_accepted(
    http: httpx.AsyncClient, under_test: ServiceUnderTest
) -> None:
    wrong = event(data=data_of(SEARCH, school="99999"))
    answer = await post(http, [event(), wrong, event(source="urn:partner:vdab")], BATCH)
    assert answer.status_code == 422
    assert problem(answer) == [(1, "INVALID_DATA", "school"), (2, "SOURCE_NOT_YOURS", "source")]
    assert await under_test.events() == []
    assert counted(under_test.metrics) == {
        "rejected BATCH": 1,
        "rejected INVALID_DATA": 1,
        "rejected SOURCE_NOT_YOURS": 1,
    }


@pytest.mark.parametrize(
    ("changed", "status", "code", "field"),
    [
        ({"specversion": "0.3"}, 400, "INVALID_ENVELOPE", "specversion"),
        ({"type": "be.duaalwest.partner.Nothing.v1"}, 403, "UNKNOWN_TYPE", "type"),
        ({"type": "be.duaalwest.partner.WorkplaceRegistered.v1"}, 403, "TYPE_NOT_ALLOWED", "type"),
        ({"source": "urn:partner:vdab"}, 403, "SOURCE_NOT_YOURS", "source"),
        ({"time": (NOON - timedelta(days=8)).isoformat()}, 422, "TOO_OLD", "time"),
        ({"time": (NOON + timedelta(hours=1)).isoformat()}, 422, "FROM_THE_FUTURE", "time"),
        ({"data": {}}, 422, "INVALID_DATA", "reference"),
        ({"extension": "x" * LARGEST}, 413, "TOO_LARGE", None),
    ],
)
async def test_a_refusal_says_what_is_wrong_and_leaves_nothing(
    http: httpx.AsyncClient,
    under_test: ServiceUnderTest,
    changed: dict[str, Any],
    status: int,
    code: str,
    field: str | None,
) -> None:
    answer = await post(http, event() | changed)
    assert (answer.status_code, problem(answer)) == (status, [(0, code, field)])
    assert await under_test.events() == []
    assert counted(under_test.metrics) == {f"rejected {code}": 1}


@pytest.mark.parametrize(
    "authorization", [b"", b"Bearer", b"Bearer nonsense", f"Basic {TOKENS['schoolsoft']}".encode(), b"Bearer \xff"]
)
async def test_without_a_valid_token_the_answer_says_nothing_more(
    http: httpx.AsyncClient, authorization: bytes
) -> None:
    answer = await post(http, event(), headers={"authorization": authorization})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/xml", "application/cloudevents+avro"])
async def test_another_kind_of_content_is_not_understood(http: httpx.AsyncClient, content_type: str) -> None:
    answer = await post(http, event(), content_type)
    assert (answer.status_code, problem(answer)) == (415, [])


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (event(), 400),
        ([], 400),
        ([1], 400),
        ([1] * (LARGEST_BATCH + 1), 413),
        (b" " * LARGEST_BODY + b"[]", 413),
    ],
)
async def test_a_batch_that_is_none_is_refused(http: httpx.AsyncClient, content: Any, status: int) -> None:
    assert (await post(http, content, BATCH)).status_code == status


async def test_beyond_the_quota_a_partner_waits_for_the_next_minute(
    http: httpx.AsyncClient, under_test: ServiceUnderTest
) -> None:
    under_test.now = NOON + timedelta(seconds=50)
    quota = SCHOOLSOFT.quota.events_per_minute
    for _ in range(quota // 20):
        assert (await post(http, [event(SEARCH)] * 20, BATCH)).status_code == 202
    answer = await post(http, event())
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    assert problem(answer) == [(0, "TOO_MANY", None)]
    assert (await post(http, event(by=PARTNERS["clb-west"]), by=PARTNERS["clb-west"])).status_code == 403
    under_test.now += timedelta(seconds=10)
    assert (await post(http, event())).status_code == 202


@pytest.mark.parametrize("sender", PARTNERS.values(), ids=PARTNERS)
async def test_no_partner_can_send_what_only_another_may(
    http: httpx.AsyncClient, under_test: ServiceUnderTest, sender: Partner
) -> None:
    forged = [event(type_, source=source) for type_, source in forgeries(sender)]
    for number, one in enumerate(forged):
        under_test.now = NOON + timedelta(minutes=number // sender.quota.events_per_minute)
        answer = await post(http, one, by=sender)
        assert answer.status_code == 403, one
        assert one["data"]["reference"] not in answer.text
    assert await under_test.events() == []
    assert sum(counted(under_test.metrics).values()) == len(forged)


@pytest.mark.parametrize("content", [None, "nonsense", '{"vdab": "a token instead of its hash"}'])
def test_tokens_that_cannot_be_read_are_said_to_be_so(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "hashes.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InvalidSettings, match="INTAKE_PARTNER_TOKENS") as raised:
        build(IntakeSettings(database_url="unused", partners=MANIFESTS, partner_tokens=file))
    assert "instead" not in str(raised.value)
