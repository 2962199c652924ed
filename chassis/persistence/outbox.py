"""The outbox table: events wait here, from the transaction that recorded them until every replica of Kafka has them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from pydantic_core import from_json, to_json

from chassis.outbox_records import OutboxRecord
from chassis.persistence.connection import Connection
from chassis.persistence.statement import Parameters
from contracts.envelope import Texts


class Unpublished(NamedTuple):
    """An outbox record with its position. Within a key, positions follow the sequence."""

    position: int
    record: OutboxRecord


class Hold(NamedTuple):
    """A record that could not be sent: its key is left alone for a while, so that it does not stop the others."""

    position: int
    until: datetime
    error: str


class Outbox(Protocol):
    """The outbox inside one transaction."""

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        """Publish these, in this order per key."""
        ...

    async def unpublished(
        self, limit: int, now: datetime, acknowledged: Sequence[OutboxRecord] = ()
    ) -> list[Unpublished]:
        """The oldest records that are not published yet, in order of position, without the keys that are held.

        `acknowledged`: the broker has these already, whatever their position. They are deleted, and not returned.
        """
        ...

    async def published(self, positions: Sequence[int]) -> None:
        """These are acknowledged by the broker."""
        ...

    async def hold(self, holds: Sequence[Hold]) -> None:
        """These failed once more."""
        ...


def outbox_insert(records: Sequence[OutboxRecord], parameters: Parameters) -> str:
    """Publish these, in this order per key."""
    ids, sequences, topics, headers, values = zip(*records, strict=True)
    columns = [ids, sequences, topics, [as_json(one) for one in headers], values]
    rows = parameters.unnest(columns, ("uuid", "bigint", "text", "json", "bytea"))
    return f"insert into outbox (aggregate_id, sequence, topic, headers, value) select * from {rows}"


class PostgresOutbox:
    """The outbox table, on the connection of the running transaction."""

    # All unpublished rows, never `position > cursor`: a transaction that commits late would be skipped.
    _UNPUBLISHED = (
        "select position, aggregate_id, sequence, topic, headers, value from outbox "
        "where aggregate_id not in (select aggregate_id from outbox where held_until > $1) {}order by position limit $2"
    )
    # The select still sees the rows that the same statement deletes.
    _DELETE_AND_READ = (
        "with gone as (delete from outbox using unnest($3::uuid[], $4::bigint[], $5::text[]) as a(id, number, name) "
        "where aggregate_id = a.id and sequence = a.number and topic = a.name returning position) "
        + _UNPUBLISHED.format("and position not in (select position from gone) ")
    )
    _HOLD = (
        "update outbox set attempts = attempts + 1, held_until = hold.until, error = hold.error "
        "from unnest($1::bigint[], $2::timestamptz[], $3::text[]) as hold(position, until, error) "
        "where outbox.position = hold.position"
    )

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        parameters = Parameters()
        await self._connection.execute(outbox_insert(records, parameters), *parameters.values)

    async def unpublished(
        self, limit: int, now: datetime, acknowledged: Sequence[OutboxRecord] = ()
    ) -> list[Unpublished]:
        if acknowledged:
            identities = zip(*(record.identity for record in acknowledged), strict=True)
            rows = await self._connection.fetch(self._DELETE_AND_READ, now, limit, *identities)
        else:
            rows = await self._connection.fetch(self._UNPUBLISHED.format(""), now, limit)
        return [
            Unpublished(position, OutboxRecord(id_, sequence, topic, [(n, v) for n, v in from_json(headers)], value))
            for position, id_, sequence, topic, headers, value in rows
        ]

    async def published(self, positions: Sequence[int]) -> None:
        await self._connection.execute("delete from outbox where position = any($1::bigint[])", positions)

    async def hold(self, holds: Sequence[Hold]) -> None:
        await self._connection.execute(self._HOLD, *zip(*holds, strict=True))


def as_json(headers: Texts) -> str:
    """Headers as the column `headers` holds them."""
    return to_json(headers).decode()
