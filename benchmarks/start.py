"""How long a service takes from its start to its first committed effect, and how much memory it uses."""

import asyncio
import time
from datetime import UTC, datetime
from statistics import median
from uuid import uuid4

import asyncpg
import psutil
from aiokafka import AIOKafkaProducer

from benchmarks.result import Bench, Result
from contracts.envelope import Envelope
from contracts.intake import QuestionReceived
from contracts.vocabulary import AgeBand, Audience, Channel, Language, Topic
from deploy.local.platform import Platform
from deploy.local.process import ProcessServer

LOAD = 10_000
CASES = QuestionReceived.declaration.topic


async def start(bench: Bench) -> list[Result]:
    """Start time and memory of referral."""
    platform = await asyncio.to_thread(Platform(bench.stack, bench.directory).start)
    await asyncio.to_thread(platform.stop)
    service, url = platform.services["referral"], platform.database_urls["referral"]
    producer = AIOKafkaProducer(bootstrap_servers=bench.stack.kafka.bootstrap_servers)
    await producer.start()
    try:
        seconds = []
        for _ in range(bench.rounds):
            await _ask(producer, 1)
            seconds.append(await _start(service, url))
            await asyncio.sleep(2)
            idle = _megabytes(service)
            if len(seconds) < bench.rounds:
                await asyncio.to_thread(service.stop)
        await _load(producer, url, bench.some(LOAD))
        loaded = _megabytes(service)
    finally:
        await producer.stop()
        await asyncio.to_thread(platform.stop)
    first = median(seconds)
    note = f"of {bench.rounds} starts: {', '.join(f'{one:.1f}' for one in seconds)} s"
    memory = f"after {bench.some(LOAD)} events; the service alone, without its shared pages counted twice"
    return [
        Result("start", first, "s to the first event", "reach", 3, first / 3, "<= 3 s", first <= 3, note),
        Result("memory", loaded, "MB loaded", "MB idle", idle, loaded / idle, "<= 120 MB", loaded <= 120, memory),
    ]


async def _start(service: ProcessServer, url: str) -> float:
    connection = await asyncpg.connect(url)
    try:
        before = await connection.fetchval("select count(*) from referrals")
        started = time.monotonic()
        starting = asyncio.create_task(asyncio.to_thread(service.start))
        await _referrals(connection, before + 1)
        seconds = time.monotonic() - started
        await starting
        return seconds
    finally:
        await connection.close()


async def _load(producer: AIOKafkaProducer, url: str, events: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        before = await connection.fetchval("select count(*) from referrals")
        await _ask(producer, events)
        await _referrals(connection, before + events)
    finally:
        await connection.close()


async def _referrals(connection: "asyncpg.Connection[asyncpg.Record]", number: int) -> None:
    while True:
        if await connection.fetchval("select count(*) from referrals") >= number:
            return
        await asyncio.sleep(0.01)


async def _ask(producer: AIOKafkaProducer, questions: int) -> None:
    now = datetime.now(UTC)
    for _ in range(questions):
        event = QuestionReceived(
            case_id=uuid4(),
            question_id=uuid4(),
            channel=Channel.WEB,
            audience=Audience.OUDER,
            topics=(Topic.T03,),
            age_band=AgeBand.NOT_GIVEN,
            language=Language.NL,
            received_at=now,
        )
        type_, key = QuestionReceived.declaration.type, str(event.case_id)
        headers = Envelope(id=str(uuid4()), source="/services/intake", type=type_, time=now, subject=key).headers()
        await producer.send(CASES, event.to_json(), key=key.encode(), headers=headers)
    await producer.flush()


def _megabytes(service: ProcessServer) -> float:
    return float(psutil.Process(service.pid).memory_info().rss / 1e6)
