"""Messages that a service sends to itself later: rows, until the relay's leader moves them to the outbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from chassis.outbox_records import OutboxRecord
from chassis.persistence.connection import Connection
from chassis.persistence.outbox import as_json
from chassis.persistence.statement import Parameters


class WaitingTimer(NamedTuple):
    """An outbox record that is published from `due_at` on."""

    due_at: datetime
    record: OutboxRecord


class Timers(Protocol):
    """The timers inside one transaction."""

    async def set(self, timers: Sequence[WaitingTimer]) -> None:
        """Publish these when they are due. One that is set already stays as it is.

        Raises:
            asyncpg.UniqueViolationError: one is set already, for another moment.
        """
        ...

    async def fire(self, now: datetime, limit: int) -> int:
        """Move what is due to the outbox, longest due first; returns how many that were."""
        ...


def timers_insert(timers: Sequence[WaitingTimer], parameters: Parameters) -> str:
    """Publish these when they are due."""
    records = [timer.record for timer in timers]
    rows = parameters.unnest(
        [
            [record.aggregate_id for record in records],
            [timer.due_at for timer in timers],
            [record.topic for record in records],
            [as_json(record.headers) for record in records],
            [record.value for record in records],
        ],
        ("uuid", "timestamptz", "text", "json", "bytea"),
    )
    # The same timer for another moment violates the primary key: it must not be lost silently.
    return (
        f"insert into timers (id, due_at, topic, headers, value) select * from {rows} "
        "on conflict (due_at, id) do nothing"
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

    async def set(self, timers: Sequence[WaitingTimer]) -> None:
        parameters = Parameters()
        await self._connection.execute(timers_insert(timers, parameters), *parameters.values)

    async def fire(self, now: datetime, limit: int) -> int:
        tag = await self._connection.execute(self._FIRE, now, limit)
        return int(tag.removeprefix("INSERT 0 "))
