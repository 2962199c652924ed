"""Bad records on a topic: each has a named outcome, and its partition goes on."""

from uuid import uuid4

import asyncpg
import pytest

from chassis.testing.builders import headers_of
from chassis.testing.eventually import eventually
from contracts.intake import QuestionReceived
from contracts.referral import ReferralCreated
from deploy.demo.evidence import outcomes
from deploy.local.platform import Platform
from tests.builders import a_question
from tests.e2e.listening import records_of, send, the_event

TOPIC = "duaal.intake.cases"
GOOD = a_question()
HEADERS: list[tuple[str, bytes | None]] = [*headers_of(GOOD)]


def without(name: str) -> list[tuple[str, bytes | None]]:
    return [(header, value) for header, value in HEADERS if header != name]


BAD: dict[str, tuple[list[tuple[str, bytes | None]], bytes | None, str]] = {
    "a null header": ([*without("ce_source"), ("ce_source", None)], GOOD.to_json(), "INVALID_ENVELOPE"),
    "a header that is not UTF-8": ([*without("ce_id"), ("ce_id", b"\xff\xfe")], GOOD.to_json(), "INVALID_ENVELOPE"),
    "a header sent twice": ([*HEADERS, ("ce_id", b"again")], GOOD.to_json(), "INVALID_ENVELOPE"),
    "a tombstone": (HEADERS, None, "INVALID_DATA"),
    "invalid JSON": (HEADERS, b'{"case_id": ', "INVALID_DATA"),
    "a megabyte": (HEADERS, b'{"case_id": "' + b"x" * 1_000_000 + b'"}', "INVALID_DATA"),
}


async def dead_letter_of(platform: Platform, key: bytes) -> asyncpg.Record | None:
    connection = await asyncpg.connect(platform.database_urls["referral"])
    try:
        return await connection.fetchrow("select * from dead_letters where key = $1", key)
    finally:
        await connection.close()


async def question_after(platform: Platform) -> None:
    """Check that a good question on the same partition is referred, so the partition went on."""
    question = a_question()
    await send(platform, TOPIC, str(question.case_id).encode(), question.to_json(), headers_of(question))
    await the_event(platform, ReferralCreated, lambda event: event.question_id == question.question_id)


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_record_is_set_aside_whole_and_the_partition_goes_on(platform: Platform, name: str) -> None:
    headers, value, reason = BAD[name]
    key = str(uuid4()).encode()
    await send(platform, TOPIC, key, value, headers)
    letter = await eventually(lambda: dead_letter_of(platform, key))
    assert letter is not None
    assert (letter["reason"], letter["value"], letter["status"]) == (reason, value, "open")
    notices = await eventually(
        lambda: records_of(platform, "duaal.referral.dead-letters"),
        lambda records: any(str(letter["id"]).encode() == record.key for record in records),
    )
    assert not any(GOOD.to_json() in (record.value or b"") for record in notices)
    await question_after(platform)


async def test_an_unknown_type_is_ignored(platform: Platform) -> None:
    before = outcomes(platform.urls["referral"])["IGNORED"]
    unknown = [*without("ce_type"), ("ce_type", b"be.duaalwest.intake.QuestionForgotten.v1")]
    await send(platform, TOPIC, str(uuid4()).encode(), b"{}", unknown)
    await eventually(lambda: outcomes(platform.urls["referral"])["IGNORED"], lambda now: now > before)
    await question_after(platform)


async def test_a_record_of_tomorrow_is_read_today(platform: Platform) -> None:
    question = a_question()
    tomorrow = question.to_json()[:-1] + b',"mood":"curious"}'
    tomorrow = tomorrow.replace(b'"audience":"OUDER"', b'"audience":"ROBOT"')
    await send(platform, TOPIC, str(question.case_id).encode(), tomorrow, headers_of(question))
    referral = await the_event(platform, ReferralCreated, lambda event: event.question_id == question.question_id)
    assert referral.audience is None
    assert QuestionReceived.from_json(tomorrow).audience.name == "UNKNOWN"
