"""The stores of these tests: each test runs on the store in memory and on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

import pytest
from asyncpg import TooManyConnectionsError

from chassis.execution import Executor
from chassis.failures import RetryPolicy
from chassis.messaging.dead_letter_limit import DeadLetterLimit
from chassis.messaging.pipeline import Pipeline
from chassis.observability.metrics import Metrics
from chassis.outbox_records import OutboxRecord
from chassis.persistence.connection import Pool, open_pool
from chassis.persistence.dead_letters import DeadLetter
from chassis.persistence.idempotency import IdempotencyRecord
from chassis.persistence.repository import Repository
from chassis.persistence.store import NewRows, PostgresStore, Store, Transaction
from chassis.projections import Projection, handlers_with
from chassis.record import Outcome, Record
from chassis.testing.builders import END_OF_TIME, NOON
from chassis.testing.fakes import MemoryStore, insert_in_steps
from chassis.topics import TOPICS
from chassis.unit_of_work import LoadPlan
from deploy.local.stack import Stack
from tests.chassis.broker import Broker
from tests.chassis.tally import MANIFESTS, MAPPERS, TALLY, Handlers, Tally
from tests.conftest import Databases


@pytest.fixture(scope="package", autouse=True)
def _topics_of_tally() -> Iterator[None]:
    """Tally's topics exist only as long as these tests run."""
    TOPICS.update(MANIFESTS)
    yield
    for name in MANIFESTS:
        del TOPICS[name]


@pytest.fixture(scope="session")
def broker(stack: Stack) -> Broker:
    """A real Kafka."""
    return Broker(stack.kafka.bootstrap_servers)


@pytest.fixture(scope="session")
async def tally_database(databases: Databases) -> AsyncIterator[str]:
    """One migrated database of tally, shared by tests that empty it first."""
    url, suffix = await databases.make(TALLY)
    yield url
    databases.drop(TALLY, suffix)


@pytest.fixture(scope="session")
async def tally_pool(tally_database: str) -> AsyncIterator[Pool]:
    async with await open_pool(tally_database, size=6) as pool:
        yield pool


@pytest.fixture
async def pool(tally_pool: Pool) -> Pool:
    """Connections to tally's database, which is empty."""
    tables = [
        "inbox",
        "outbox",
        "timers",
        "skipped_records",
        "dead_letters",
        "answered_requests",
        "audit",
        *(mapper.table for mapper in MAPPERS),
    ]
    await tally_pool.execute("; ".join(f"delete from {table}" for table in tables))
    return tally_pool


@pytest.fixture
async def postgres(pool: Pool) -> PostgresStore:
    return postgres_store(pool)


@pytest.fixture(params=["memory", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store."""
    if request.param == "memory":
        return MemoryStore()
    store: PostgresStore = request.getfixturevalue("postgres")
    return store


def postgres_store(pool: Pool, consumer: str = "tally") -> PostgresStore:
    """The store of a consumer."""
    return PostgresStore(pool, consumer, [Repository(mapper) for mapper in MAPPERS])


class Unreliable:
    """A store in which some transactions work, then some cannot start, then some fail before their commit."""

    def __init__(self, store: Store, *, passes: int = 0, refuses: int = 0, breaks: int = 0) -> None:
        self._store = store
        self._plan = ["pass"] * passes + ["refuse"] * refuses + ["break"] * breaks

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        fate = self._plan.pop(0) if self._plan else "pass"
        if fate == "refuse":
            raise ConnectionRefusedError
        async with self._store.transaction() as transaction:
            yield transaction
            if fate == "break":
                raise TooManyConnectionsError

    async def insert(self, rows: NewRows) -> None:
        await insert_in_steps(self.transaction(), rows)

    async def answers(self, keys: Collection[str]) -> Mapping[str, IdempotencyRecord]:
        return await self._store.answers(keys)


class Gated:
    """A store that commits some transactions, and then waits with each commit until the gate is open.

    `waiting` counts the transactions that wait.
    """

    def __init__(self, store: Store, *, passes: int = 0) -> None:
        self._store = store
        self._passes = passes
        self.gate = asyncio.Event()
        self.waiting = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self._store.transaction() as transaction:
            yield transaction
            if self._passes:
                self._passes -= 1
                return
            self.waiting += 1
            # After a time-out it goes on, so that a test that fails before it opens the gate does not hang.
            with suppress(TimeoutError):
                async with asyncio.timeout(120):
                    await self.gate.wait()
            self.waiting -= 1

    async def insert(self, rows: NewRows) -> None:
        await insert_in_steps(self.transaction(), rows)

    async def answers(self, keys: Collection[str]) -> Mapping[str, IdempotencyRecord]:
        return await self._store.answers(keys)


class WithoutTransactions:
    """A store that only inserts new rows and has no transactions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def transaction(self) -> NoReturn:
        raise AssertionError("one statement would have been enough")

    async def insert(self, rows: NewRows) -> None:
        await self._store.insert(rows)

    async def answers(self, keys: Collection[str]) -> Mapping[str, IdempotencyRecord]:
        return await self._store.answers(keys)


class RecordingPublisher:
    """Records what it would publish, and how often it was woken."""

    def __init__(self) -> None:
        self.published: list[OutboxRecord] = []
        self.woken = 0

    @asynccontextmanager
    async def publish_after(self, records: Sequence[OutboxRecord]) -> AsyncIterator[None]:
        yield
        self.published.extend(records)

    def wake(self) -> None:
        self.woken += 1


@dataclass
class Rig:
    """A pipeline of tally over a store: delivers records and shows the results. Its clock does not move."""

    store: Store
    batch: int = 500
    handlers: Any = field(default_factory=Handlers)
    projections: Sequence[Projection[Any]] = ()
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    limit: DeadLetterLimit = field(default_factory=DeadLetterLimit)
    metrics: Metrics = field(default_factory=Metrics)
    now: datetime = NOON
    slept: list[float] = field(default_factory=list)
    publisher: RecordingPublisher = field(default_factory=RecordingPublisher)

    def __post_init__(self) -> None:
        self.pipeline = Pipeline(
            "tally",
            handlers_with(self.handlers, self.projections),
            self.store,
            Executor("tally", self.store, now=lambda: self.now, publisher=self.publisher),
            self.metrics,
            now=lambda: self.now,
            retry_policy=self.retry_policy,
            limit=self.limit,
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def deliver(self, *records: Record) -> list[Outcome]:
        """Deliver records, in batches of the rig's size."""
        outcomes: list[Outcome] = []
        for start in range(0, len(records), self.batch):
            batch = self.pipeline.receive(records[start : start + self.batch])
            outcomes += await self.pipeline.process(batch)
        return outcomes

    def counted(self, outcome: Outcome) -> int:
        """The number of records with this outcome, according to the metric."""
        samples = [sample for metric in self.metrics.messages.collect() for sample in metric.samples]
        return int(sum(s.value for s in samples if s.name == "duaal_messages_total" and s.labels["outcome"] == outcome))

    async def total(self, tally_id: UUID) -> int | None:
        """The total of a tally; None when it does not exist."""
        plan = LoadPlan()
        plan.ids[Tally] = {tally_id}
        async with self.store.transaction() as transaction:
            tally = (await transaction.load(plan)).find(Tally, tally_id)
        return tally.total if tally else None

    async def outbox(self) -> list[OutboxRecord]:
        """Every record in the outbox, oldest first."""
        async with self.store.transaction() as transaction:
            return [row.record for row in await transaction.outbox.unpublished(100_000, END_OF_TIME)]

    async def letters(self) -> list[DeadLetter]:
        """Every open dead letter, oldest first."""
        async with self.store.transaction() as transaction:
            return await transaction.dead_letters.list_open()


def of_type(records: list[OutboxRecord], kind: type[Any]) -> list[OutboxRecord]:
    """The outbox records of one type of event."""
    return [record for record in records if dict(record.headers)["ce_type"] == kind.declaration.type]


@pytest.fixture(params=[1, 500], ids=["one-by-one", "in-batches"])
def rig(request: pytest.FixtureRequest, store: Store) -> Rig:
    """A rig with batches of one or of five hundred, over both stores."""
    return Rig(store, batch=request.param)
