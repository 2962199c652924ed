"""Messages that a service sends to itself later: rows, until the relay makes promises of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from chassis.messaging.outbox import OutboxRecord, written
from chassis.persistence.connection import Connection
from chassis.persistence.statement import Statement


class Waiting(NamedTuple):
    """What will be promised, and when."""

    due_at: datetime
    record: OutboxRecord


class Timers(Protocol):
    """The timers inside one transaction."""

    async def set(self, timers: Sequence[Waiting]) -> None:
        """OutboxRecordFactory these when their time comes. One that is set already stays as it is.

        Raises:
            asyncpg.UniqueViolationError: one is set already, for another moment.
        """
        ...

    async def fire(self, now: datetime, limit: int) -> int:
        """OutboxRecordFactory what is due, longest due first; the answer is how many were."""
        ...


# The same timer for another moment violates the primary key: it must not be lost without a word.
_SET = (
    "insert into timers (id, due_at, topic, headers, value) "
    "select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::json[], $5::bytea[]) "
    "on conflict (due_at, id) do nothing"
)


def setting(timers: Sequence[Waiting]) -> Statement:
    """OutboxRecordFactory these when their time comes."""
    records = [timer.record for timer in timers]
    return Statement(
        _SET,
        [
            [record.aggregate_id for record in records],
            [timer.due_at for timer in timers],
            [record.topic for record in records],
            [written(record.headers) for record in records],
            [record.value for record in records],
        ],
    )


class PostgresTimers:
    """The table of timers, on the connection of the running transaction."""

    # Delete first: of two that fire the same row the second waits for the first, and finds it gone.
    _FIRE = (
        "with due as (delete from timers where id in (select id from timers where due_at <= $1 order by due_at, id "
        "limit $2) returning *) "
        "insert into outbox (aggregate_id, sequence, topic, headers, value) "
        "select id, 1, topic, headers, value from due order by due_at, id on conflict do nothing"
    )

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def set(self, timers: Sequence[Waiting]) -> None:
        sql, arguments = setting(timers)
        await self._connection.execute(sql, *arguments)

    async def fire(self, now: datetime, limit: int) -> int:
        tag = await self._connection.execute(self._FIRE, now, limit)
        return int(tag.removeprefix("INSERT 0 "))
