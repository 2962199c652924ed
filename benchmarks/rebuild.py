"""`duaal rebuild` of pof's registered workplaces, beside reading and validating their topic alone."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.result import Bench, Result
from chassis.messaging.groups import group_of
from chassis.messaging.past import BATCH, past_of
from chassis.messaging.rebuild import Rebuild
from chassis.persistence.connection import open_pool
from chassis.persistence.migrate import migrate
from chassis.process import collect_seldom
from contracts.envelope import Envelope, read
from contracts.intake import WorkplaceRegistered
from contracts.vocabulary import Recognition, Subregion
from deploy.local.databases import provision
from services.pof.adapters.tables import WORKPLACES
from services.pof.projections.workplace import REGISTERED_WORKPLACES

TYPE = WorkplaceRegistered.declaration.type
EVENTS, KEYS = 60_000, 20_000
MIGRATIONS = Path(__file__).parent.parent / "services" / "pof" / "migrations"
RATE, SHARE = 30_000, 0.9
"""To reach: so many events per second, or this share of reading and validating alone where that is less."""


async def rebuild(bench: Bench) -> list[Result]:
    """The shipped rebuild against reading and validating alone."""
    events = bench.some(EVENTS)
    bootstrap, topic = bench.stack.kafka.bootstrap_servers, f"workplaces-{uuid4().hex[:8]}"
    await _produce(bootstrap, topic, events)
    await _commit_all(bootstrap, topic)
    url = provision(bench.stack.postgres.admin_url, "pof", "bench")
    await migrate(url, MIGRATIONS)
    collect_seldom()
    alone, whole = [], []
    for _ in range(bench.rounds):
        alone.append(events / await _validate_all(bootstrap, topic, events))
        whole.append(events / await _rebuild(bootstrap, topic, events, url))
    rate, limit = median(whole), median(alone)
    runs = ", ".join(f"{one:,.0f}" for one in whole)
    note = f"the registered workplaces of pof, all runs: {runs}; beside it: read and validate, keep nothing"
    reach, held = f">= {RATE // 1000}k events/s or {SHARE} of reading", rate >= min(RATE, SHARE * limit)
    return [Result("rebuild", rate, "events/s", "read", limit, rate / limit, reach, held, note)]


async def _validate_all(bootstrap: str, topic: str, events: int) -> float:
    """Seconds to read and validate, with nothing of the chassis in between."""
    started = time.monotonic()
    seen = 0
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        while seen < events:
            for records in (await consumer.getmany(timeout_ms=1000, max_records=BATCH)).values():
                for record in records:
                    _, data = read(record.headers, record.value)
                    WorkplaceRegistered.from_json(data or b"")
                seen += len(records)
    assert seen == events
    return time.monotonic() - started


async def _rebuild(bootstrap: str, topic: str, events: int, url: str) -> float:
    """Seconds until the new table has taken the place of the old one."""
    async with await open_pool(url, size=1) as pool:
        started = time.monotonic()
        done = await Rebuild("pof", REGISTERED_WORKPLACES, WORKPLACES, pool, bootstrap, topic=topic).run()
        seconds = time.monotonic() - started
    assert (done.events, done.rows) == (events, min(KEYS, events)), done
    return seconds


async def _commit_all(bootstrap: str, topic: str) -> None:
    """As if the service had decided all of it."""
    group_id = group_of("pof")
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group_id, enable_auto_commit=False) as group:
        async with past_of(topic, bootstrap) as past:
            ends = await past.ends()
        group.assign([*ends])
        await group.commit(dict(ends))


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
