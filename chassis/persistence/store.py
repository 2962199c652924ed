"""The service's own database: transactions, and one statement for what is kept without having read anything."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import asyncpg

from chassis.outbox_records import OutboxRecord
from chassis.persistence.audit import Audit, AuditRow, PostgresAudit, audit_insert
from chassis.persistence.connection import Connection, Pool
from chassis.persistence.dead_letters import DeadLetters, OrderingKey, PostgresDeadLetters
from chassis.persistence.idempotency import (
    IdempotencyRecord,
    IdempotencyRecords,
    PostgresIdempotencyRecords,
    answers_of,
    idempotency_insert,
)
from chassis.persistence.inbox import EventKey, Inbox, PostgresInbox, inbox_insert
from chassis.persistence.outbox import Outbox, PostgresOutbox, outbox_insert
from chassis.persistence.repository import Repository
from chassis.persistence.statement import Parameters, combined
from chassis.persistence.timers import PostgresTimers, Timers, WaitingTimer, timers_insert
from chassis.projections import Projected
from chassis.unit_of_work import LoadPlan, UnitOfWork


class NewRows(NamedTuple):
    """What handlers leave that read nothing: rows that nobody has written before, and those of projections."""

    aggregates: Mapping[type[Any], Sequence[Any]]
    records: Sequence[OutboxRecord]
    """All of them about these aggregates."""
    timers: Sequence[WaitingTimer]
    event_keys: Collection[EventKey] = ()
    """For the inbox."""
    behind: Collection[OrderingKey] = ()
    """Keys that may not be parked."""
    answers: Sequence[IdempotencyRecord] = ()
    audit: Sequence[AuditRow] = ()
    projected: Mapping[type[Any], Projected[Any]] = MappingProxyType({})
    """The only rows that may be there already."""


class NotNew(Exception):
    """Something was there before, or is parked: nothing was kept."""


class Transaction(Protocol):
    """What can be read and written in one transaction."""

    @property
    def inbox(self) -> Inbox: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def timers(self) -> Timers: ...

    @property
    def dead_letters(self) -> DeadLetters: ...

    @property
    def idempotency_records(self) -> IdempotencyRecords: ...

    @property
    def audit(self) -> Audit: ...

    async def load(self, plan: LoadPlan) -> UnitOfWork:
        """A unit of work that holds everything that was asked for, locked until the end."""
        ...

    async def save(self, unit_of_work: UnitOfWork) -> None:
        """Keep every aggregate that is new or changed, and what was projected."""
        ...


class Store(Protocol):
    """Where a service keeps its state."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Commits at the end of the block, rolls back when it raises."""
        ...

    async def insert(self, rows: NewRows) -> None:
        """Keep all of them, in a transaction of one statement.

        Raises:
            NotNew: nothing was kept.
        """
        ...

    async def answers(self, keys: Collection[str]) -> Mapping[str, IdempotencyRecord]:
        """Those of the requests that were answered before, by key."""
        ...


class PostgresTransaction:
    """A transaction on one connection."""

    def __init__(self, connection: Connection, consumer: str, repositories: dict[type[Any], Repository[Any]]) -> None:
        self.connection = connection
        self.inbox = PostgresInbox(connection, consumer)
        self.outbox = PostgresOutbox(connection)
        self.timers = PostgresTimers(connection)
        self.dead_letters = PostgresDeadLetters(connection)
        self.idempotency_records = PostgresIdempotencyRecords(connection)
        self.audit = PostgresAudit(connection)
        self._repositories = repositories

    async def load(self, plan: LoadPlan) -> UnitOfWork:
        # What depends on other rows is found out without locks first, so that all locks are taken in one order. Read
        # again under lock, those rows may say something else: then that is loaded too.
        found = {kind: await self._read(kind, plan, lock=False) for kind in plan.depended_on}
        plan.complete(lambda kind: found[kind])
        while True:
            unit_of_work = await self._load_locked(plan)
            if not plan.complete(unit_of_work.loaded):
                return unit_of_work

    async def _load_locked(self, plan: LoadPlan) -> UnitOfWork:
        unit_of_work = UnitOfWork()
        await self._lock_values(plan)
        for kind in plan.kinds:
            unit_of_work.add_loaded(kind, await self._read(kind, plan, lock=True), plan)
        return unit_of_work

    async def _read(self, kind: type[Any], plan: LoadPlan, *, lock: bool) -> list[Any]:
        repository = self._repositories[kind]
        loaded: list[Any] = []
        if ids := plan.ids.get(kind):
            loaded += await repository.load_many(self.connection, ids, lock=lock)
        for (class_, column), values in plan.values.items():
            if class_ is kind:
                loaded += await repository.load_by(self.connection, column, values, lock=lock)
        return loaded

    async def _lock_values(self, plan: LoadPlan) -> None:
        """Two transactions that look for each other's new rows by the same value must not miss them both."""
        values = {
            f"{column}={value}"
            for (kind, column), some in plan.values.items()
            for value in some
            if not self._repositories[kind].mapper.is_projected
        }
        if values:
            await self.connection.execute(
                "select pg_advisory_xact_lock(hashtextextended(value, 0)) from unnest($1::text[]) as v(value)",
                sorted(values),
            )

    async def save(self, unit_of_work: UnitOfWork) -> None:
        for kind, changes in sorted(unit_of_work.changed().items(), key=_by_class):
            await self._repositories[kind].update_many(self.connection, changes)
        for kind, aggregates in sorted(unit_of_work.added().items(), key=_by_class):
            await self._repositories[kind].insert_many(self.connection, aggregates)
        for kind, projected in sorted(unit_of_work.projected.items(), key=_by_class):
            await self._repositories[kind].project(self.connection, projected)

    async def claim_due(
        self, kind: type[Any], now: datetime, until: datetime, limit: int, only: tuple[str, str] | None = None
    ) -> list[UUID]:
        """Ids of intents of this class that are due, longest due first; nobody else gets them before `until`.

        `only`: a column, and the value that it has to have.
        """
        table = self._repositories[kind].mapper.table
        column, *value = only or ("id",)
        narrowed = f'and "{column}" = $4 ' if only else ""
        rows = await self.connection.fetch(
            f"update {table} set due_at = $2 where id in (select id from {table} where due_at <= $1 {narrowed}"
            "order by due_at, id limit $3 for update skip locked) returning id",
            now,
            until,
            limit,
            *value,
        )
        return [row[0] for row in rows]

    async def renew_claim(self, kind: type[Any], ids: Collection[UUID], before: datetime, until: datetime) -> None:
        """Those of the intents whose claim ends at `before` stay claimed until `until`."""
        table = self._repositories[kind].mapper.table
        await self.connection.execute(
            f"update {table} set due_at = $3 where id = any($1::uuid[]) and due_at = $2", [*ids], before, until
        )


class PostgresStore:
    """The database behind a pool of connections."""

    def __init__(self, pool: Pool, consumer: str, repositories: Sequence[Repository[Any]]) -> None:
        self._pool = pool
        self._consumer = consumer
        self._repositories = {repository.kind: repository for repository in repositories}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with self._pool.acquire() as connection, connection.transaction():
            yield PostgresTransaction(connection, self._consumer, self._repositories)

    async def insert(self, rows: NewRows) -> None:
        parameters = Parameters()
        if inserts := [*self._inserts(rows, parameters)]:
            try:
                await self._pool.execute(combined(inserts), *parameters.values)
            except asyncpg.IntegrityConstraintViolationError as error:
                raise NotNew from error

    async def answers(self, keys: Collection[str]) -> Mapping[str, IdempotencyRecord]:
        async with self._pool.acquire() as connection:
            return await answers_of(connection, keys)

    def _inserts(self, rows: NewRows, parameters: Parameters) -> Iterator[str]:
        # First what others may be inserting too: they wait for each other before they have written anything.
        if rows.event_keys:
            yield inbox_insert(self._consumer, rows.event_keys, rows.behind, parameters)
        if rows.answers:
            yield idempotency_insert(rows.answers, parameters)
        for kind, aggregates in sorted(rows.aggregates.items(), key=_by_class):
            yield self._repositories[kind].insert_statement(aggregates, parameters)
        for kind, projected in sorted(rows.projected.items(), key=_by_class):
            yield from self._repositories[kind].projected_statements(projected, parameters)
        if rows.records:
            yield outbox_insert(rows.records, parameters)
        if rows.timers:
            yield timers_insert(rows.timers, parameters)
        if rows.audit:
            yield audit_insert(rows.audit, parameters)


def _by_class(item: tuple[type[Any], Any]) -> str:
    """The order in which the tables are written."""
    return item[0].__name__
