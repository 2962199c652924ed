"""The commands of an operator: dead letters, held records, and a replay that changes nothing."""

import asyncio
import os
import subprocess
import sys
from uuid import uuid4

import asyncpg

from chassis.messaging.groups import lag_of
from chassis.testing.builders import headers_of
from chassis.testing.eventually import eventually
from contracts.referral import ReferralCreated
from deploy.local.platform import Platform
from tests.builders import a_question
from tests.e2e.listening import records_of, send, the_event

TOPIC = "duaal.intake.cases"


async def referral(platform: Platform, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the service."""
    command = [sys.executable, "-m", "services.referral", *arguments]
    environment = {**os.environ, **platform.environment("referral")}
    return await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


async def query(platform: Platform, sql: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(platform.database_urls["referral"])
    try:
        return list(await connection.fetch(sql, *values))
    finally:
        await connection.close()


async def test_a_dead_letter_is_listed_shown_and_discarded_and_its_key_then_goes_on(platform: Platform) -> None:
    question = a_question()
    key = str(question.case_id).encode()
    await send(platform, TOPIC, key, b"not a valid question", headers_of(question, id_=str(uuid4())))
    await send(platform, TOPIC, key, question.to_json(), headers_of(question))
    letters = await eventually(
        lambda: query(platform, "select id, reason from dead_letters where key = $1 order by position", key),
        lambda rows: len(rows) == 2,
    )
    bad, parked = (str(row["id"]) for row in letters)

    listed = (await referral(platform, "dead-letters", "list")).stdout
    assert f"{bad[:8]}  INVALID_DATA" in listed
    assert f"{parked[:8]}  BEHIND" in listed
    shown = (await referral(platform, "dead-letters", "show", bad)).stdout
    assert "20 bytes" in shown
    assert "not a valid question" not in shown

    failed = await referral(platform, "dead-letters", "redrive", bad)
    assert failed.returncode == 1
    assert "DEAD_LETTERED" in failed.stdout
    assert (await referral(platform, "dead-letters", "discard", bad)).returncode == 2  # no reason given
    discarded = await referral(platform, "dead-letters", "discard", bad, "--reason", "sent by mistake")
    assert discarded.returncode == 0, discarded.stderr
    redriven = await referral(platform, "dead-letters", "redrive", parked)
    assert "HANDLED" in redriven.stdout, redriven.stderr
    await the_event(platform, ReferralCreated, lambda event: event.question_id == question.question_id)

    rows = await query(platform, "select status, closed_reason, closed_by from dead_letters where id = $1", bad)
    assert (rows[0]["status"], rows[0]["closed_reason"]) == ("discarded", "sent by mistake")
    assert rows[0]["closed_by"]


async def test_what_kafka_does_not_take_is_listed_and_skipped(platform: Platform) -> None:
    insert = (
        "insert into outbox (aggregate_id, sequence, topic, headers, value) "
        "values (gen_random_uuid(), 1, 'duaal.nowhere', '[]', '') returning position"
    )
    (row,) = await query(platform, insert)
    position = str(row["position"])
    await eventually(lambda: query(platform, "select 1 from outbox where attempts > 0"))
    listed = (await referral(platform, "outbox", "list")).stdout
    assert f"{position}  TimeoutError" in listed
    assert "duaal.nowhere" in listed
    assert "would skip" in (await referral(platform, "outbox", "skip", position, "--reason", "x", "--dry-run")).stdout
    skipped = await referral(platform, "outbox", "skip", position, "--reason", "that topic never was")
    assert skipped.returncode == 0, skipped.stderr
    assert (await referral(platform, "outbox", "list")).stdout == "0 could not be sent\n"
    assert (await referral(platform, "outbox", "release", position)).returncode == 1


async def test_a_replay_of_everything_changes_nothing(platform: Platform) -> None:
    question = a_question()
    await send(platform, TOPIC, str(question.case_id).encode(), question.to_json(), headers_of(question))
    await the_event(platform, ReferralCreated, lambda event: event.question_id == question.question_id)
    state = "select * from referrals order by id"
    before = await query(platform, state), len(await records_of(platform, "duaal.referral.referrals"))

    refused = await referral(platform, "replay")
    assert refused.returncode == 1
    assert "stop every process of referral" in refused.stderr
    await asyncio.to_thread(platform.services["referral"].stop)
    assert "would read" in (await referral(platform, "replay", "--dry-run")).stdout
    replayed = await referral(platform, "replay")
    assert replayed.returncode == 0, replayed.stderr
    assert int((await referral(platform, "lag")).stdout.split()[0]) > 0
    await asyncio.to_thread(platform.services["referral"].start)

    async def behind() -> int:
        return sum(lag.records for lag in await lag_of(platform.stack.kafka.bootstrap_servers, "referral"))

    await eventually(behind, lambda records: records == 0, within=60)
    assert (await query(platform, state), len(await records_of(platform, "duaal.referral.referrals"))) == before
