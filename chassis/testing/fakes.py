"""In-memory stand-ins for unit tests. Each runs the same conformance suite as the real part."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

from aiokafka.errors import KafkaError
from asyncpg import UniqueViolationError

from chassis.messaging.producer import Answer, Producer
from chassis.outbox_records import OutboxRecord
from chassis.persistence.audit import AuditRow
from chassis.persistence.dead_letters import Closed, DeadLetter, OrderingKey
from chassis.persistence.idempotency import AnsweredMeanwhile, IdempotencyRecord
from chassis.persistence.inbox import EventKey
from chassis.persistence.outbox import Hold, Unpublished
from chassis.persistence.store import NewRows, NotNew, Store, Transaction
from chassis.persistence.timers import WaitingTimer
from chassis.unit_of_work import LoadPlan, UnitOfWork, is_projected


@dataclass
class MemoryInbox:
    """The inbox as a set."""

    seen: set[EventKey] = field(default_factory=set)

    async def admit(self, keys: Sequence[EventKey]) -> set[EventKey]:
        fresh = set(keys) - self.seen
        self.seen |= fresh
        return fresh

    async def forget(self, keys: Sequence[EventKey]) -> None:
        self.seen -= set(keys)


@dataclass
class MemoryOutbox:
    """The outbox as a list."""

    rows: list[Unpublished] = field(default_factory=list)
    last: int = 0
    held: dict[int, Hold] = field(default_factory=dict)

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        for record in records:
            if any(row.record.identity == record.identity for row in self.rows):
                raise UniqueViolationError(f"outbox_once: {record.aggregate_id}/{record.sequence}")
            self.last += 1
            self.rows.append(Unpublished(self.last, record))

    async def unpublished(
        self, limit: int, now: datetime, acknowledged: Sequence[OutboxRecord] = ()
    ) -> list[Unpublished]:
        gone = {record.identity for record in acknowledged}
        self.rows = [row for row in self.rows if row.record.identity not in gone]
        held = {position for position, hold in self.held.items() if hold.until > now}
        keys = {row.record.aggregate_id for row in self.rows if row.position in held}
        return [row for row in self.rows if row.record.aggregate_id not in keys][:limit]

    async def published(self, positions: Sequence[int]) -> None:
        self.rows = [row for row in self.rows if row.position not in positions]

    async def hold(self, holds: Sequence[Hold]) -> None:
        self.held |= {hold.position: hold for hold in holds}


@dataclass
class MemoryTimers:
    """The timers as a dictionary, and the outbox that they go to."""

    outbox: MemoryOutbox
    waiting: dict[UUID, WaitingTimer]

    async def set(self, timers: Sequence[WaitingTimer]) -> None:
        for timer in timers:
            id_ = timer.record.aggregate_id
            if self.waiting.setdefault(id_, timer).due_at != timer.due_at:
                raise UniqueViolationError(f"timers_pkey: {id_}")

    async def fire(self, now: datetime, limit: int) -> int:
        due = sorted((timer.due_at, id_) for id_, timer in self.waiting.items() if timer.due_at <= now)[:limit]
        await self.outbox.append([self.waiting.pop(id_).record for _, id_ in due])
        return len(due)


@dataclass
class MemoryDeadLetters:
    """The dead letters as a dictionary."""

    letters: dict[UUID, DeadLetter] = field(default_factory=dict)
    """Those that are open."""
    closed: dict[UUID, tuple[DeadLetter, Closed, str, str]] = field(default_factory=dict)

    async def parked(self, keys: Collection[OrderingKey]) -> set[OrderingKey]:
        return {
            key
            for letter in self.letters.values()
            if letter.record.key is not None and (key := OrderingKey(letter.record.topic, letter.record.key)) in keys
        }

    async def open(self, letters: Sequence[DeadLetter]) -> set[UUID]:
        known = self.letters.keys() | self.closed.keys()
        new = {letter.id: letter for letter in letters if letter.id not in known}
        self.letters |= new
        return set(new)

    async def take(self, letter: DeadLetter) -> bool:
        place = (letter.record.topic, letter.record.key)
        same = [one.id for one in self.letters.values() if (one.record.topic, one.record.key) == place]
        return letter.id in same and (letter.record.key is None or same[0] == letter.id)

    async def close(self, id_: UUID, status: Closed, by: str, reason: str) -> None:
        self.closed[id_] = (self.letters.pop(id_), status, by, reason)

    async def note_attempt(self, id_: UUID, error: str, detail: str) -> None:
        letter = self.letters[id_]
        self.letters[id_] = replace(letter, attempts=letter.attempts + 1, error=error, detail=detail)

    async def list_open(self) -> list[DeadLetter]:
        return list(self.letters.values())


@dataclass
class MemoryIdempotencyRecords:
    """The answers as a dictionary."""

    records: dict[str, IdempotencyRecord] = field(default_factory=dict)

    async def add(self, records: Sequence[IdempotencyRecord]) -> None:
        if not self.records.keys().isdisjoint(record.key for record in records):
            raise AnsweredMeanwhile
        self.records |= {record.key: record for record in records}


@dataclass
class MemoryAudit:
    """The audit as a list."""

    rows: list[AuditRow] = field(default_factory=list)

    async def add(self, rows: Sequence[AuditRow]) -> None:
        self.rows += rows

    async def about(self, ids: Collection[UUID]) -> list[AuditRow]:
        return [row for row in reversed(self.rows) if row.about in ids]


@dataclass
class MemoryTransaction:
    """What is true once the block ends well."""

    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    outbox: MemoryOutbox = field(default_factory=MemoryOutbox)
    dead_letters: MemoryDeadLetters = field(default_factory=MemoryDeadLetters)
    aggregates: dict[tuple[type[Any], UUID], Any] = field(default_factory=dict)
    waiting: dict[UUID, WaitingTimer] = field(default_factory=dict)
    idempotency_records: MemoryIdempotencyRecords = field(default_factory=MemoryIdempotencyRecords)
    audit: MemoryAudit = field(default_factory=MemoryAudit)

    @property
    def timers(self) -> MemoryTimers:
        return MemoryTimers(self.outbox, self.waiting)

    def copy(self) -> "MemoryTransaction":
        """The same state, to work on."""
        return MemoryTransaction(
            MemoryInbox(set(self.inbox.seen)),
            MemoryOutbox(list(self.outbox.rows), self.outbox.last, dict(self.outbox.held)),
            MemoryDeadLetters(dict(self.dead_letters.letters), dict(self.dead_letters.closed)),
            dict(self.aggregates),
            dict(self.waiting),
            MemoryIdempotencyRecords(dict(self.idempotency_records.records)),
            MemoryAudit(list(self.audit.rows)),
        )

    async def load(self, plan: LoadPlan) -> UnitOfWork:
        plan.complete(lambda kind: [one for one in self._all(kind) if plan.includes(one)])
        unit_of_work = UnitOfWork()
        for kind in plan.kinds:
            found = [_loaded(one) for one in self._all(kind) if plan.includes(one)]
            unit_of_work.add_loaded(kind, found, plan)
        return unit_of_work

    def _all(self, kind: type[Any]) -> list[Any]:
        return [one for (class_, _), one in self.aggregates.items() if class_ is kind]

    async def save(self, unit_of_work: UnitOfWork) -> None:
        for kind, changes in unit_of_work.changed().items():
            for aggregate, _ in changes:
                self.aggregates[kind, aggregate.id] = copy(aggregate)
        for kind, added in unit_of_work.added().items():
            for aggregate in added:
                if (kind, aggregate.id) in self.aggregates:
                    raise UniqueViolationError(f"{kind.__name__} {aggregate.id}")
                self.aggregates[kind, aggregate.id] = copy(aggregate)
        for kind, projected in unit_of_work.projected.items():
            rows = projected.onto({one.id: one for one in self._all(kind)})
            self.aggregates |= {(kind, id_): row for id_, row in rows.items()}


def _loaded(one: Any) -> Any:
    """A new object for each load; a row of a projection is frozen, so that it needs none."""
    return one if is_projected(type(one)) else replace(one, pending_events=[])


class MemoryStore:
    """A store whose transactions are all or nothing, one at a time."""

    def __init__(self) -> None:
        self.state = MemoryTransaction()
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[MemoryTransaction]:
        async with self._lock:
            working = self.state.copy()
            yield working
            self.state = working

    async def insert(self, rows: NewRows) -> None:
        await insert_in_steps(self.transaction(), rows)

    async def answers(self, keys: Collection[str]) -> Mapping[str, IdempotencyRecord]:
        records = self.state.idempotency_records.records
        return {key: records[key] for key in keys if key in records}


async def insert_in_steps(opening: AbstractAsyncContextManager[Transaction], rows: NewRows) -> None:
    """What PostgreSQL does in one statement, in a transaction that is undone when something is not new."""
    try:
        async with opening as transaction:
            await _insert_in_steps(transaction, rows)
    except (UniqueViolationError, AnsweredMeanwhile) as error:
        raise NotNew from error


async def _insert_in_steps(transaction: Transaction, rows: NewRows) -> None:
    new = await transaction.inbox.admit([*rows.event_keys])
    if len(new) < len(rows.event_keys) or await transaction.dead_letters.parked(rows.behind):
        raise NotNew
    if rows.answers:
        await transaction.idempotency_records.add(rows.answers)
    unit_of_work = UnitOfWork()
    for one in chain.from_iterable(rows.aggregates.values()):
        unit_of_work.add(one)
    unit_of_work.projected.update(rows.projected)
    await transaction.save(unit_of_work)
    if rows.records:
        await transaction.outbox.append(rows.records)
    if rows.timers:
        await transaction.timers.set(rows.timers)
    if rows.audit:
        await transaction.audit.add(rows.audit)


class MemoryLead:
    """Leads always. Every call to its outbox is a transaction of the store, as it is on a connection of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def outbox(self) -> "MemoryLead":
        """Itself."""
        return self

    async def set_timers(self, timers: Sequence[WaitingTimer]) -> None:
        """Fire these when they are due."""
        async with self._store.transaction() as transaction:
            await transaction.timers.set(timers)

    async def fire_timers(self, now: datetime, limit: int) -> int:
        """Move what is due to the outbox."""
        async with self._store.transaction() as transaction:
            return await transaction.timers.fire(now, limit)

    async def release(self) -> None:
        """There is nobody else."""

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        async with self._store.transaction() as transaction:
            await transaction.outbox.append(records)

    async def unpublished(
        self, limit: int, now: datetime, acknowledged: Sequence[OutboxRecord] = ()
    ) -> list[Unpublished]:
        async with self._store.transaction() as transaction:
            return await transaction.outbox.unpublished(limit, now, acknowledged)

    async def published(self, positions: Sequence[int]) -> None:
        async with self._store.transaction() as transaction:
            await transaction.outbox.published(positions)

    async def hold(self, holds: Sequence[Hold]) -> None:
        async with self._store.transaction() as transaction:
            await transaction.outbox.hold(holds)


class MemoryBroker:
    """A broker that keeps what it acknowledges. A test may make it refuse keys, or leave sends without an answer."""

    PARTITIONS = 3

    def __init__(self) -> None:
        self.log: list[OutboxRecord] = []
        self.refuses: set[UUID] = set()
        self.silent = False
        self.producers: list[MemoryProducer] = []

    async def connect(self) -> "MemoryProducer":
        """A fresh producer."""
        self.producers.append(MemoryProducer(self))
        return self.producers[-1]

    @classmethod
    def partition(cls, record: OutboxRecord) -> tuple[str, int]:
        """Where a record goes."""
        return record.topic, record.aggregate_id.int % cls.PARTITIONS


class MemoryProducer(Producer):
    """A producer that, like the real one, is of no more use to a partition once a send there failed."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._broken: set[tuple[str, int]] = set()
        self.stopped = False

    async def send(self, records: Sequence[OutboxRecord]) -> list[Answer | None]:
        self._broken |= {self._broker.partition(one) for one in records if one.aggregate_id in self._broker.refuses}
        return [self._send(record) for record in records]

    def _send(self, record: OutboxRecord) -> Answer:
        answer: Answer = asyncio.get_running_loop().create_future()
        partition = self._broker.partition(record)
        if partition in self._broken:
            answer.set_exception(KafkaError(f"{partition} is broken"))
        elif not self._broker.silent:
            self._broker.log.append(record)
            answer.set_result(None)
        return answer

    async def stop(self) -> None:
        self.stopped = True
