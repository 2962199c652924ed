"""The database of a service, shared by its processes: read committed, with the locks that PostgreSQL would take.

A row gets its position when it is inserted and becomes visible when its transaction commits, so a later position may
become visible first. A transaction that waits for a lock waits for the end of the transaction that holds it. When two
wait for each other, one gets a deadlock error. Open transactions of a killed process are rolled back at once.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from asyncpg import DeadlockDetectedError, UniqueViolationError

from chassis.outbox_records import OutboxRecord
from chassis.persistence.audit import Audit
from chassis.persistence.dead_letters import Closed, DeadLetter, OrderingKey
from chassis.persistence.idempotency import IdempotencyRecord, IdempotencyRecords
from chassis.persistence.inbox import EventKey
from chassis.persistence.outbox import Hold, Outbox, Unpublished
from chassis.persistence.store import NewRows
from chassis.persistence.timers import Timers
from chassis.testing.fakes import insert_in_steps
from chassis.unit_of_work import LoadPlan, UnitOfWork
from tests.simulation.process import Process

if TYPE_CHECKING:
    from tests.simulation.leadership import Session

ROWS = 4
"""Rows of the outbox that are read at once; so few that there is nearly always one more."""


class Database:
    """The committed rows, and the holders of the locks."""

    def __init__(self) -> None:
        self.inbox: set[EventKey] = set()
        self.outbox: dict[int, OutboxRecord] = {}
        self.held: dict[int, datetime] = {}
        """Until when the key of the record at a position is held."""
        self.letters: dict[UUID, DeadLetter] = {}
        """The open dead letters, in the order of their positions."""
        self.opened: dict[UUID, int] = {}
        """The position of every dead letter, which it got when it was inserted."""
        self.closed: dict[UUID, tuple[DeadLetter, Closed]] = {}
        self.aggregates: dict[tuple[type[Any], UUID], Any] = {}
        self.committed_records: list[OutboxRecord] = []
        """Every outbox record that was ever committed, in the order of the commits."""
        self.leader: Session | None = None
        self.read_without_lead = False
        """Did a process ever read the outbox that did not lead?"""
        self.positions = count(1)
        self._holders: defaultdict[Hashable, dict[Transaction, bool]] = defaultdict(dict)

    async def lock(self, what: Hashable, transaction: "Transaction", *, shared: bool = False) -> None:
        """Wait until no other transaction holds it, or until all others share it.

        Raises:
            DeadlockDetectedError: a transaction that holds it waits for this one.
        """
        while others := self._in_the_way(what, transaction, shared):
            transaction.waits_for = others
            try:
                if transaction.waits_for_itself():
                    raise DeadlockDetectedError
                await others[0].ended.wait()
            finally:
                transaction.waits_for = []
        self._holders[what][transaction] = shared and self._holders[what].get(transaction, True)

    def _in_the_way(self, what: Hashable, transaction: "Transaction", shared: bool) -> "list[Transaction]":
        holders = self._holders[what].items()
        return [other for other, shares in holders if other is not transaction and not (shared and shares)]

    def unlock(self, transaction: "Transaction") -> None:
        """Release all locks of a transaction."""
        for holders in self._holders.values():
            holders.pop(transaction, None)
        transaction.ended.set()

    def lead(self, session: "Session") -> bool:
        """Try to take the advisory lock of the relay: does this session hold it now?"""
        if self.leader is None or not self.leader.open:
            self.leader = session
        return self.leader is session

    def unpublished(self, limit: int, now: datetime) -> list[Unpublished]:
        """The first rows of the outbox, without those of held keys."""
        held = {self.outbox[position].aggregate_id for position, until in self.held.items() if until > now}
        rows = [Unpublished(*row) for row in sorted(self.outbox.items()) if row[1].aggregate_id not in held]
        return rows[: min(limit, ROWS)]

    def delete(self, positions: Sequence[int]) -> None:
        """Delete rows of the outbox."""
        for position in positions:
            self.outbox.pop(position, None)
            self.held.pop(position, None)

    def hold(self, holds: Sequence[Hold]) -> None:
        """Hold the keys of these records."""
        self.held |= {hold.position: hold.until for hold in holds if hold.position in self.outbox}


class Transaction:
    """One transaction of one process. It is its own inbox, outbox and dead letters."""

    def __init__(self, database: Database, process: Process) -> None:
        self.database = database
        self.ended = asyncio.Event()
        self.waits_for: list[Transaction] = []
        self.writes: list[Callable[[], None]] = []
        self.records: list[OutboxRecord] = []
        self._process = process

    @property
    def inbox(self) -> "Transaction":
        return self

    @property
    def outbox(self) -> Outbox:
        return cast(Outbox, self)  # only the leader reads it

    @property
    def timers(self) -> Timers:
        raise NotImplementedError("no timers in the simulation")

    @property
    def dead_letters(self) -> "Transaction":
        return self

    @property
    def audit(self) -> Audit:
        raise NotImplementedError("nobody asks for anything in the simulation")

    @property
    def idempotency_records(self) -> IdempotencyRecords:
        raise NotImplementedError("no idempotency keys in the simulation")

    def waits_for_itself(self) -> bool:
        """Does this transaction, through others, wait for itself?"""
        found: set[Transaction] = set()
        chain = [*self.waits_for]
        while chain:
            other = chain.pop()
            if other not in found:
                found.add(other)
                chain += other.waits_for
        return self in found

    def commit(self) -> None:
        """Make all writes visible at once."""
        for write in self.writes:
            write()
        self.database.committed_records += self.records

    async def statement(self, *locks: Hashable) -> None:
        """Each statement is one call. Rows that it inserts or updates stay locked until the end of the transaction."""
        await self._process.perform(lambda: None)
        for lock in locks:
            await self.database.lock(lock, self)

    # Inbox

    async def admit(self, keys: Sequence[EventKey]) -> set[EventKey]:
        await self.statement(*sorted(set(keys)))
        self.writes.append(lambda: self.database.inbox.update(keys))
        return set(keys) - self.database.inbox

    async def forget(self, keys: Sequence[EventKey]) -> None:
        await self.statement()
        self.writes.append(lambda: self.database.inbox.difference_update(keys))

    # Outbox

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        await self.statement(*[record[:2] for record in records])
        taken = {record[:2] for record in self.database.outbox.values()}
        if not taken.isdisjoint(record[:2] for record in records):
            raise UniqueViolationError("outbox_once")
        rows = dict(zip(self.database.positions, records, strict=False))
        self.writes.append(lambda: self.database.outbox.update(rows))
        self.records += records

    # Dead letters

    async def parked(self, keys: Collection[OrderingKey]) -> set[OrderingKey]:
        await self.statement()
        of_keys = [id_ for id_, letter in self.database.letters.items() if key_of(letter) in keys]
        found = await self._still_open(of_keys, shared=True)
        return {key for id_ in found if (key := key_of(self.database.letters[id_]))}

    async def open(self, letters: Sequence[DeadLetter]) -> set[UUID]:
        await self.statement(*[letter.id for letter in letters])
        known = self.database.letters.keys() | self.database.closed.keys()
        new = {letter.id: letter for letter in letters if letter.id not in known}
        self.database.opened |= zip(new, self.database.positions, strict=False)
        self.writes.append(partial(self._open, new))
        return set(new)

    def _open(self, new: dict[UUID, DeadLetter]) -> None:
        opened = self.database.opened
        self.database.letters |= new
        self.database.letters = dict(sorted(self.database.letters.items(), key=lambda row: opened[row[0]]))

    async def list_open(self) -> list[DeadLetter]:
        await self.statement()
        return list(self.database.letters.values())

    async def take(self, letter: DeadLetter) -> bool:
        await self.statement()
        of_key = [id_ for id_, one in self.database.letters.items() if key_of(one) == key_of(letter)]
        found = await self._still_open(of_key, shared=False)
        return bool(found) and found[0] == letter.id

    async def _still_open(self, ids: Sequence[UUID], *, shared: bool) -> list[UUID]:
        """Lock these letters, and return those that are still open after waiting."""
        for id_ in ids:
            await self.database.lock(id_, self, shared=shared)
        return [id_ for id_ in ids if id_ in self.database.letters]

    async def close(self, id_: UUID, status: Closed, by: str, reason: str) -> None:  # noqa: ARG002
        await self.statement(id_)
        self.writes.append(partial(self._close, id_, status))

    def _close(self, id_: UUID, status: Closed) -> None:
        letters, closed = self.database.letters, self.database.closed
        closed[id_] = (letters.pop(id_) if id_ in letters else closed[id_][0], status)

    async def note_attempt(self, id_: UUID, error: str, detail: str) -> None:  # noqa: ARG002
        await self.statement(id_)

    # Aggregates

    async def load(self, plan: LoadPlan) -> UnitOfWork:
        await self.statement()
        unit_of_work = UnitOfWork()
        for kind in plan.kinds:
            # The rows that exist when the statement begins, each in its state after the lock was taken.
            asked = plan.ids[kind]
            found = sorted(id_ for class_, id_ in self.database.aggregates if class_ is kind and id_ in asked)
            for id_ in found:
                await self.database.lock((kind, id_), self)
            unit_of_work.add_loaded(kind, [self.read(self.database.aggregates[kind, id_]) for id_ in found], plan)
        return unit_of_work

    def read(self, aggregate: Any) -> Any:
        """A new object for each load."""
        return replace(aggregate, pending_events=[])

    async def save(self, unit_of_work: UnitOfWork) -> None:
        changed = [one for changes in unit_of_work.changed().values() for one, _ in changes]
        added = [one for some in unit_of_work.added().values() for one in some]
        await self.statement(*[(type(one), one.id) for one in (*changed, *added)])
        if any((type(one), one.id) in self.database.aggregates for one in added):
            raise UniqueViolationError
        rows = {(type(one), one.id): copy(one) for one in (*changed, *added)}
        self.writes.append(lambda: self.database.aggregates.update(rows))


def key_of(letter: DeadLetter) -> OrderingKey | None:
    """The ordering key that a dead letter parks."""
    record = letter.record
    return None if record.key is None else OrderingKey(record.topic, record.key)


class DatabaseStore:
    """The store of one process, on the shared database."""

    def __init__(self, database: Database, process: Process, kind: type[Transaction] = Transaction) -> None:
        self._database = database
        self._process = process
        self._kind = kind

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        transaction = await self._process.perform(lambda: self._kind(self._database, self._process))
        try:
            yield transaction
            await self._process.perform(transaction.commit)
        finally:
            self._database.unlock(transaction)

    async def insert(self, rows: NewRows) -> None:
        """In several calls, but visible at once, like every transaction."""
        await insert_in_steps(self.transaction(), rows)

    async def answers(self, _: Collection[str]) -> Mapping[str, IdempotencyRecord]:
        raise NotImplementedError("no idempotency keys in the simulation")
