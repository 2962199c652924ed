"""Runs a hop: a database, new topics, worker processes, one clock for all of them, and a check at the end.

The input is written in one Kafka transaction while the workers, warmed up and joined, wait for it. Its commit starts
the clock; the last record that the broker acknowledged on the output topic stops it. Nothing is measured inside the
workers, so every way to build them is measured alike.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4, uuid5

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.meters import IN_TYPE, MIGRATIONS, PARTITIONS, MeterRead
from chassis.persistence.migrate import migrate
from contracts.envelope import Envelope, Headers
from contracts.vocabulary import Subregion
from deploy.local.databases import provision
from deploy.local.stack import Stack

KEYS = 10_000
GROUP = "duaal.meters"
SOURCE = "/benchmarks/readings"
SECONDS = 120.0
_METERS = [uuid5(UUID(int=0), str(number)) for number in range(KEYS)]


class WrongResult(Exception):
    """A run gave a wrong result, so its time is not used."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One implementation of the hop: `python -m benchmarks.<module> <arguments>`."""

    name: str
    module: str
    arguments: tuple[str, ...] = ("run",)
    outbox: str = "outbox"
    ordered: bool = True
    """Does it guarantee order per key?"""
    warm_up: int = 1_000
    home: Path | None = None
    """Another checkout to run it from, to compare two checkouts."""


CHASSIS = Peer("chassis", "meters")
BARE = Peer("bare", "bare")


@dataclass(frozen=True, slots=True)
class Lap:
    """The result of one run; `cpu` is microseconds per event, for each kind of process."""

    rate: float
    cpu: dict[str, float]
    out_of_order: int = 0


Observe = Callable[[Sequence[psutil.Process]], AbstractContextManager[object]]


def _unobserved(_: Sequence[psutil.Process]) -> AbstractContextManager[object]:
    return nullcontext()


class Ground:
    """A database for hops, and the stack around it."""

    def __init__(self, stack: Stack, directory: Path, name: str = "bench") -> None:
        self._stack = stack
        self._directory = directory
        self.bootstrap = stack.kafka.bootstrap_servers
        self.url = provision(stack.postgres.admin_url, "meters", name)

    @classmethod
    async def make(cls, stack: Stack, directory: Path, name: str = "bench", inbox: int = 0) -> "Ground":
        """A migrated database, with so many former events in its inbox."""
        ground = cls(stack, directory, name)
        await migrate(ground.url, MIGRATIONS)
        await ground._fill(inbox)
        return ground

    async def lap(self, peer: Peer, events: int, workers: int = 1, observe: Observe = _unobserved) -> Lap:
        """Let the peer handle so many events, check the result, and return how fast it was.

        Raises:
            WrongResult: an event is missing, doubled or, where the peer guarantees order, out of order.
        """
        run = uuid4().hex[:8]
        topic_in, topic_out = f"in-{run}", f"out-{run}"
        await self._make_topics(topic_in, topic_out)
        known = await self._reset()
        async with self._watch(topic_out) as watch, _producer(self.bootstrap, run) as producer:
            with self._workers(peer, workers, topic_in, topic_out) as processes:
                await _joined(self.bootstrap, processes)
                await _produce(producer, topic_in, _readings(0, peer.warm_up))
                await watch.until(peer.warm_up, processes)
                with observe(processes):
                    before = self._cpu(processes)
                    started = await _produce(producer, topic_in, _readings(peer.warm_up, events))
                    seconds = await watch.until(peer.warm_up + events, processes) - started
                used = {who: (spent - before[who]) / events * 1e6 for who, spent in self._cpu(processes).items()}
                await self._settled(peer)
        return Lap(events / seconds, used, await self._check(peer, topic_out, peer.warm_up + events, known))

    async def _make_topics(self, *names: str) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
        await admin.close()

    async def _fill(self, events: int) -> None:
        """Fill the inbox. The index is built once over all rows, in a tenth of the time of row by row."""
        async with self._connection() as connection:
            await connection.execute("set maintenance_work_mem = '512MB'")
            await connection.execute("truncate inbox; alter table inbox drop constraint inbox_pkey")
            await connection.execute(
                "insert into inbox (consumer, source, event_id) "
                f"select 'meters', '{SOURCE}', gen_random_uuid()::text from generate_series(1, {events})"
            )
            await connection.execute("alter table inbox add primary key (consumer, source, event_id)")
            await connection.execute("vacuum analyze inbox")

    async def _reset(self) -> int:
        """Set all meters to zero and empty the outbox; returns the number of events in the inbox."""
        async with self._connection() as connection:
            await connection.execute("truncate outbox, meters")
            await connection.execute(
                "insert into meters (id, total, readings, version) select id, 0, 0, 0 from unnest($1::uuid[]) m(id)",
                _METERS,
            )
            await connection.execute("vacuum analyze meters")
        async with _admin(self._stack) as connection:
            await connection.execute("checkpoint")
        return await self._count("inbox")

    @contextmanager
    def _workers(self, peer: Peer, number: int, topic_in: str, topic_out: str) -> Iterator[list[psutil.Process]]:
        settings = {
            "METERS_DATABASE_URL": self.url,
            "METERS_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "METERS_HTTP_PORT": "0",
            "METERS_IN_TOPIC": topic_in,
            "METERS_OUT_TOPIC": topic_out,
        }
        log = self._directory / f"{peer.name}.log"
        with log.open("wb") as output:
            command = [sys.executable, "-m", f"benchmarks.{peer.module}", *peer.arguments]
            running = [
                subprocess.Popen(command, env={**os.environ, **settings}, stdout=output, stderr=output, cwd=peer.home)
                for _ in range(number)
            ]
        try:
            yield [psutil.Process(one.pid) for one in running]
        finally:
            for one in running:
                one.send_signal(signal.SIGTERM)
            for one in running:
                _end(one)

    @asynccontextmanager
    async def _watch(self, topic: str) -> AsyncIterator["Watch"]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap)
        await consumer.start()
        try:
            yield Watch(consumer, topic)
        finally:
            await consumer.stop()

    async def _settled(self, peer: Peer) -> None:
        """Wait until the outbox is empty: rows are deleted a moment after Kafka acknowledged them."""
        deadline = time.monotonic() + 10
        while left := await self._count(peer.outbox):
            if time.monotonic() > deadline:
                raise WrongResult(f"{peer.name}: {left} rows stay in the outbox")
            await asyncio.sleep(0.05)

    async def _check(self, peer: Peer, topic: str, events: int, known: int) -> int:
        """Check that every event was handled and published exactly once; returns how many keys are out of order."""
        if (handled := await self._count("inbox") - known) != events:
            raise WrongResult(f"{peer.name}: {handled} of {events} events in the inbox")
        async with self._connection() as connection:
            readings, versions = await connection.fetchrow("select sum(readings), sum(version) from meters") or (0, 0)
        if (readings, versions) != (events, events):
            raise WrongResult(f"{peer.name}: {readings} readings and {versions} events published, of {events} events")
        numbers: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
        async for key, sequence, number in _read(self.bootstrap, topic, events):
            numbers[key].append((sequence, number))
        for key, seen in numbers.items():
            if sorted(sequence for sequence, _ in seen) != list(range(1, len(seen) + 1)):
                raise WrongResult(f"{peer.name}: {key!r} published {seen}")
        late = sum(seen != sorted(seen) or _falls(seen) for seen in numbers.values())
        if late and peer.ordered:
            raise WrongResult(f"{peer.name}: {late} keys are out of order")
        return late

    async def _count(self, table: str) -> int:
        async with self._connection() as connection:
            return int(await connection.fetchval(f"select count(*) from {table}"))

    def _cpu(self, workers: Sequence[psutil.Process]) -> dict[str, float]:
        """Seconds of CPU so far. That of PostgreSQL includes all its processes, also those that ended."""
        postgres = psutil.Process(_pid(self._stack.postgres.server))
        return {
            "python": sum(_spent(one) for one in workers),
            "postgres": _spent(postgres) + sum(_spent(one) for one in postgres.children()),
            "kafka": sum(_spent(psutil.Process(_pid(broker))) for broker in self._stack.kafka.brokers),
        }

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        connection = await asyncpg.connect(self.url)
        try:
            yield connection
        finally:
            await connection.close()


class Watch:
    """Counts from outside the workers how many records the broker acknowledged on a topic."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        self._partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]

    async def until(self, records: int, workers: Sequence[psutil.Process]) -> float:
        """Wait for so many records; returns the moment at which they were there.

        Raises:
            WrongResult: there are more, or they do not come.
        """
        deadline = time.monotonic() + SECONDS
        while (seen := sum((await self._consumer.end_offsets(self._partitions)).values())) < records:
            if time.monotonic() > deadline or _any_ended(workers):
                raise WrongResult(f"{seen} of {records} records, and no more come: look at the log")
            await asyncio.sleep(0.01)
        if seen > records:
            raise WrongResult(f"{seen} records for {records} events")
        return time.monotonic()


@asynccontextmanager
async def _admin(stack: Stack) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(stack.postgres.admin_url)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _producer(bootstrap: str, run: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=f"bench-{run}",
        transaction_timeout_ms=600_000,
        compression_type="zstd",
        max_batch_size=256 * 1024,
        linger_ms=5,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _produce(producer: AIOKafkaProducer, topic: str, records: Iterator[tuple[bytes, Headers, bytes]]) -> float:
    """Make all records visible at once; returns that moment."""
    async with producer.transaction():
        sent = [await producer.send(topic, value, key=key, headers=headers) for key, headers, value in records]
        await asyncio.gather(*sent)
    return time.monotonic()


def _readings(first: int, events: int) -> Iterator[tuple[bytes, Headers, bytes]]:
    chance = random.Random(first)
    now = datetime.now(UTC)
    for number in range(first, first + events):
        at = now + timedelta(microseconds=number)
        meter = chance.choice(_METERS)
        reading = MeterRead(
            meter_id=meter,
            reading_id=uuid4(),
            number=number,
            amount=1,
            subregion=Subregion.WESTHOEK,
            municipality="33011",
            device=f"meter-{number:06d}",
            read_at=at,
            note="as long as other events are",
        )
        envelope = Envelope(
            id=str(reading.reading_id),
            source=SOURCE,
            type=IN_TYPE,
            time=at,
            subject=str(meter),
            recordedtime=at,
            sequence=number + 1,
            correlationid=str(meter),
            causationid=str(reading.reading_id),
            dataclassification="internal",
            dataschema=f"urn:duaalwest:schema:{IN_TYPE}:0123456789ab",
        )
        yield str(meter).encode(), envelope.headers(), reading.to_json()


async def _joined(bootstrap: str, workers: Sequence[psutil.Process]) -> None:
    """Wait until these workers have all partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    deadline = time.monotonic() + 60
    try:
        while True:
            (response,) = await admin.describe_consumer_groups([GROUP])
            ((_, _, state, _, _, members, *_),) = response.groups
            if (state, len(members)) == ("Stable", len(workers)):
                return
            if time.monotonic() > deadline or _any_ended(workers):
                raise WrongResult(f"the group is {state}, {len(members)} of {len(workers)} joined: look at the log")
            await asyncio.sleep(0.1)
    finally:
        await admin.close()


async def _read(bootstrap: str, topic: str, records: int) -> AsyncIterator[tuple[bytes, int, int]]:
    """Key, sequence and number of every record that the hop published."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        while records > 0:
            for batch in (await consumer.getmany(timeout_ms=5_000)).values():
                records -= len(batch)
                for one in batch:
                    yield one.key, int(dict(one.headers)["ce_sequence"]), json.loads(one.value)["number"]
    finally:
        await consumer.stop()


def _falls(seen: list[tuple[int, int]]) -> bool:
    return any(later[1] <= earlier[1] for earlier, later in pairwise(seen))


def _any_ended(workers: Sequence[psutil.Process]) -> bool:
    return any(one.status() == psutil.STATUS_ZOMBIE for one in workers)


def _spent(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _pid(server: object) -> int:
    pid = getattr(server, "pid", None)
    if pid is None:
        raise RuntimeError("The CPU of a server from the environment cannot be measured: unset its variable.")
    return int(pid)


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
