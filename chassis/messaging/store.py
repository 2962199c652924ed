"""One transaction of a service: inbox, aggregates, outbox, timers and dead letters, all or nothing."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import asyncpg

from chassis.handling import PermanentError
from chassis.messaging.dead_letters import DeadLetters, Key, PostgresDeadLetters
from chassis.messaging.direct_publisher import Board
from chassis.messaging.inbox import EventKey, Inbox, PostgresInbox, admitting
from chassis.messaging.outbox import Outbox, OutboxRecord, OutboxRecordFactory, PostgresOutbox, appending
from chassis.messaging.timers import PostgresTimers, Timers, Waiting, setting
from chassis.persistence.connection import Connection, Pool, beside
from chassis.persistence.repository import Repository
from chassis.persistence.statement import Statement, together
from chassis.unit_of_work import LoadPlan, UnitOfWork


class KeyUsedTwice(PermanentError):
    """The Idempotency-Key belongs to another request."""


class IdempotencyRecord(NamedTuple):
    """Who makes this request gets this answer, now and ever after."""

    request: str
    fingerprint: str
    """Of its content."""
    answer: str


def claiming(claims: Sequence[IdempotencyRecord]) -> Statement:
    """Keep the answers of these requests; sorted, so that two who make the same ones never wait for each other."""
    columns = [*zip(*sorted(claims), strict=True)]
    return Statement(
        "insert into answered_requests (key, fingerprint, answer) "
        "select * from unnest($1::text[], $2::text[], $3::text[])",
        columns,
    )


class New(NamedTuple):
    """What handlers leave that read nothing: rows that nobody has written before."""

    aggregates: Mapping[type[Any], Sequence[Any]]
    facts: Sequence[OutboxRecord]
    """All of them about these aggregates."""
    timers: Sequence[Waiting]
    said: Collection[EventKey] = ()
    """What may have an effect only once."""
    behind: Collection[Key] = ()
    """What must not be parked."""
    claims: Sequence[IdempotencyRecord] = ()


class NotNew(Exception):
    """Something was there before, or is parked: nothing was kept."""


class Transaction(Protocol):
    """What the pipeline does inside one transaction."""

    @property
    def inbox(self) -> Inbox: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def timers(self) -> Timers: ...

    @property
    def dead_letters(self) -> DeadLetters: ...

    async def load(self, plan: LoadPlan) -> UnitOfWork:
        """A unit of work that holds everything that was asked for, locked until the end."""
        ...

    async def save(self, unit_of_work: UnitOfWork) -> None:
        """Keep every aggregate that is new or changed."""
        ...


class Store(Protocol):
    """Where a service keeps its state."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Commits at the end of the block, rolls back when it raises."""
        ...

    async def insert(self, new: New) -> None:
        """Keep all of it, in a transaction of one statement.

        Raises:
            NotNew: nothing was kept.
        """
        ...


async def keep(unit_of_work: UnitOfWork, transaction: Transaction, promise: OutboxRecordFactory) -> None:
    """Keep what the handlers did: the aggregates, then the facts and timers that they left."""
    async with beside(transaction.save(unit_of_work)):
        facts, timers = _promised(unit_of_work, promise)
    if facts:
        await transaction.outbox.append(facts)
    if timers:
        await transaction.timers.set(timers)


async def insert(
    unit_of_work: UnitOfWork,
    store: Store,
    promise: OutboxRecordFactory,
    board: Board,
    *,
    said: Collection[EventKey] = (),
    behind: Collection[Key] = (),
    claims: Sequence[IdempotencyRecord] = (),
) -> None:
    """Keep what handlers did that read nothing, and send their facts on.

    Raises:
        NotNew: nothing was kept.
    """
    aggregates = unit_of_work.added()
    facts, timers = _promised(unit_of_work, promise)
    if not {fact.aggregate_id for fact in facts} <= {one.id for some in aggregates.values() for one in some}:
        raise NotNew
    async with board(facts):
        await store.insert(New(aggregates, facts, timers, said, behind, claims))


def _promised(unit_of_work: UnitOfWork, promise: OutboxRecordFactory) -> tuple[list[OutboxRecord], list[Waiting]]:
    """The facts and the timers that were left, as they are kept."""
    recorded = unit_of_work.recorded
    facts = promise(one for one in recorded if one.due_at is None)
    due = [one.due_at for one in recorded if one.due_at]
    timers = promise(one for one in recorded if one.due_at)
    return facts, [*map(Waiting, due, timers)]


class PostgresTransaction:
    """A transaction on one connection."""

    def __init__(self, connection: Connection, consumer: str, repositories: dict[type[Any], Repository[Any]]) -> None:
        self.connection = connection
        self.inbox = PostgresInbox(connection, consumer)
        self.outbox = PostgresOutbox(connection)
        self.timers = PostgresTimers(connection)
        self.dead_letters = PostgresDeadLetters(connection)
        self._repositories = repositories

    async def load(self, plan: LoadPlan) -> UnitOfWork:
        unit_of_work = UnitOfWork()
        await self._lock_values(plan)
        for kind in plan.kinds:
            repository = self._repositories[kind]
            loaded: list[Any] = []
            if ids := plan.ids.get(kind):
                loaded += await repository.load_many(self.connection, ids)
            for (class_, column), values in plan.values.items():
                if class_ is kind:
                    loaded += await repository.load_by(self.connection, column, values)
            unit_of_work.put(kind, loaded, plan)
        return unit_of_work

    async def _lock_values(self, plan: LoadPlan) -> None:
        """Two transactions that look for each other's new rows by the same value must not miss them both."""
        values = {f"{column}={value}" for (_, column), some in plan.values.items() for value in some}
        if values:
            await self.connection.execute(
                "select pg_advisory_xact_lock(hashtextextended(value, 0)) from unnest($1::text[]) as v(value)",
                sorted(values),
            )

    async def save(self, unit_of_work: UnitOfWork) -> None:
        for kind, changes in sorted(unit_of_work.changed().items(), key=lambda item: item[0].__name__):
            await self._repositories[kind].update_many(self.connection, changes)
        for kind, aggregates in sorted(unit_of_work.added().items(), key=lambda item: item[0].__name__):
            await self._repositories[kind].insert_many(self.connection, aggregates)

    async def claim_due(
        self, kind: type[Any], now: datetime, until: datetime, limit: int, only: tuple[str, str] | None = None
    ) -> list[UUID]:
        """Ids of intents of this class whose time has come, longest due first; nobody else gets them before `until`.

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

    async def claim(self, claims: Sequence[IdempotencyRecord]) -> bool:
        """Keep the answers of these requests. False: not all of them are new.

        Waits for whoever is making one of them at this moment.
        """
        sql, arguments = claiming(claims)
        tag = await self.connection.execute(f"{sql} on conflict do nothing", *arguments)
        return tag == f"INSERT 0 {len(claims)}"

    async def answer_to(self, claim: IdempotencyRecord) -> str:
        """The answer that a request got when it was made before.

        Raises:
            KeyUsedTwice: it was made before with another content.
        """
        row = await self.connection.fetchrow(
            "select fingerprint, answer from answered_requests where key = $1", claim.request
        )
        if row is None or row["fingerprint"] != claim.fingerprint:
            raise KeyUsedTwice(claim.request)
        answer: str = row["answer"]
        return answer


class PostgresStore:
    """The service's own database."""

    def __init__(self, pool: Pool, consumer: str, repositories: Sequence[Repository[Any]]) -> None:
        self._pool = pool
        self._consumer = consumer
        self._repositories = {repository.kind: repository for repository in repositories}

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresTransaction]:
        async with self._pool.acquire() as connection, connection.transaction():
            yield PostgresTransaction(connection, self._consumer, self._repositories)

    async def insert(self, new: New) -> None:
        if statements := [*self._inserts(new)]:
            sql, arguments = together(*statements)
            try:
                await self._pool.execute(sql, *arguments)
            except asyncpg.IntegrityConstraintViolationError as error:
                raise NotNew from error

    def _inserts(self, new: New) -> Iterator[Statement]:
        # What others may be inserting too comes first: they wait for each other before they have written anything.
        if new.said:
            yield admitting(self._consumer, new.said, new.behind)
        if new.claims:
            yield claiming(new.claims)
        for kind, aggregates in sorted(new.aggregates.items(), key=lambda item: item[0].__name__):
            yield self._repositories[kind].inserting(aggregates)
        if new.facts:
            yield appending(new.facts)
        if new.timers:
            yield setting(new.timers)
