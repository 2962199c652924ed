"""Rebuilds a projection from its topic with parts of the chassis: read, validate, upsert in bulk."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.result import Bench, Result
from chassis.persistence.connection import Connection, overlapping
from chassis.persistence.mapper import Mapper
from chassis.persistence.migrate import migrate
from chassis.process import collect_seldom
from contracts.envelope import Envelope, read
from contracts.intake import WorkplaceRegistered
from contracts.vocabulary import Recognition, Subregion
from deploy.local.databases import provision
from services.pof.adapters.tables import WORKPLACES
from services.pof.projections.workplace import RegisteredWorkplace

TYPE = WorkplaceRegistered.declaration.type
EVENTS, KEYS, BATCH = 60_000, 20_000, 4_000
MIGRATIONS = Path(__file__).parent.parent / "services" / "pof" / "migrations"


async def rebuild(bench: Bench) -> list[Result]:
    """The projection against reading and validating alone."""
    events = bench.some(EVENTS)
    bootstrap, topic = bench.stack.kafka.bootstrap_servers, f"workplaces-{uuid4().hex[:8]}"
    await _produce(bootstrap, topic, events)
    url = provision(bench.stack.postgres.admin_url, "pof", "bench")
    await migrate(url, MIGRATIONS)
    collect_seldom()
    alone, whole = [], []
    for _ in range(bench.rounds):
        alone.append(events / await _validate_all(bootstrap, topic, events))
        whole.append(events / await _project_all(bootstrap, topic, events, url))
    rate, limit = median(whole), median(alone)
    note = "the registered workplaces of pof; beside it: read and validate, keep nothing"
    held = rate >= 30_000
    return [Result("rebuild", rate, "events/s", "read", limit, rate / limit, ">= 30k events/s", held, note)]


async def _validate_all(bootstrap: str, topic: str, events: int) -> float:
    """Seconds to read and validate."""
    started = time.monotonic()
    seen = 0
    async for batch in _batches(bootstrap, topic, events):
        seen += len([_event(one) for one in batch])
    assert seen == events
    return time.monotonic() - started


async def _project_all(bootstrap: str, topic: str, events: int, url: str) -> float:
    """Seconds until the whole projection is committed."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("truncate registered_workplaces")
        started = time.monotonic()
        upsert = _upsert(WORKPLACES)
        rows: Sequence[Sequence[object]] = []
        async with connection.transaction():
            async for batch in _batches(bootstrap, topic, events):
                # The database writes one batch while the next one is read.
                async with overlapping(_write(connection, upsert, rows)):
                    last = {event.workplace_id: event for event in map(_event, batch)}
                    rows = WORKPLACES.columns([*map(RegisteredWorkplace.of, last.values())])
            await _write(connection, upsert, rows)
        seconds = time.monotonic() - started
        kept = await connection.fetchval("select count(*) from registered_workplaces")
        assert kept == min(KEYS, events), f"{kept} workplaces"
    finally:
        await connection.close()
    return seconds


async def _write(connection: Connection, upsert: str, rows: Sequence[Sequence[object]]) -> None:
    if rows:
        await connection.execute(upsert, *rows)


def _event(record: ConsumerRecord) -> WorkplaceRegistered:
    _, data = read(record.headers, record.value)
    return WorkplaceRegistered.from_json(data or b"")


def _upsert(mapper: Mapper[RegisteredWorkplace]) -> str:
    names = [field.name for field in mapper.fields]
    casts = ", ".join(f"${at}::{field.cast}[]" for at, field in enumerate(mapper.fields, start=1))
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name != "id")
    return (
        f"insert into {mapper.table} ({', '.join(names)}) select * from unnest({casts}) "
        f"on conflict (id) do update set {changes}"
    )


async def _batches(bootstrap: str, topic: str, events: int) -> AsyncIterator[Sequence[ConsumerRecord]]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        while events > 0:
            fetched = await consumer.getmany(timeout_ms=1000, max_records=BATCH)
            batch = [one for some in fetched.values() for one in some]
            events -= len(batch)
            yield batch
    finally:
        await consumer.stop()


async def _produce(bootstrap: str, topic: str, events: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 12, 1)])
    await admin.close()
    async with _producer(bootstrap) as producer:
        workplaces = [uuid4() for _ in range(min(KEYS, events))]
        now = datetime.now(UTC)
        for number in range(events):
            event = WorkplaceRegistered(
                workplace_id=workplaces[number % len(workplaces)],
                programme="310",
                recognition=Recognition.ERKEND,
                open_positions=number % 3 + 1,
                nis="33011",
                subregion=Subregion.WESTHOEK,
                source="bench",
                registered_on=date(2026, 11, 23),
                expires_on=date(2027, 11, 23),
            )
            envelope = Envelope(id=str(uuid4()), source="/benchmarks", type=TYPE, time=now, sequence=number + 1)
            key = str(event.workplace_id).encode()
            await producer.send(topic, event.to_json(), key=key, headers=envelope.headers())


@asynccontextmanager
async def _producer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type="zstd", max_batch_size=256 * 1024)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
