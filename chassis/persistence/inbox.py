"""Which events this service has handled: the reason why a second delivery changes nothing."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from chassis.persistence.connection import Connection
from chassis.persistence.dead_letters import OrderingKey
from chassis.persistence.statement import Parameters


class EventKey(NamedTuple):
    """What makes an event unique: CloudEvents promises that no producer uses an id twice."""

    source: str
    id: str


class Inbox(Protocol):
    """The inbox inside one transaction."""

    async def admit(self, keys: Sequence[EventKey]) -> set[EventKey]:
        """Note these events as handled; the answer is those that were not before."""
        ...

    async def forget(self, keys: Sequence[EventKey]) -> None:
        """These were not handled after all."""
        ...


def inbox_insert(
    consumer: str, keys: Collection[EventKey], behind: Collection[OrderingKey], parameters: Parameters
) -> str:
    """Note these events as handled. It fails when one of them was before, or when one of `behind` is parked."""
    name = parameters.add(consumer)
    events = parameters.unnest([*zip(*sorted(keys), strict=True)], ("text", "text"))
    parked = parameters.unnest([[key.topic for key in behind], [key.key for key in behind]], ("text", "bytea"))
    # The consumer is null when one of the keys is parked, and the column takes no null: the statement fails.
    return (
        f"insert into inbox (consumer, source, event_id) select case when not exists (select from dead_letters d "
        f"join {parked} as p(topic, key) on d.topic = p.topic and d.key = p.key "
        f"where d.status = 'open') then {name}::text end, source, event_id from {events} as k(source, event_id)"
    )


async def handled(connection: Connection, consumer: str, keys: Collection[EventKey]) -> set[EventKey]:
    """Those of the events that are in the inbox."""
    query = (
        "select i.source, i.event_id from unnest($2::text[], $3::text[]) as k(source, event_id) "
        "join inbox i on i.consumer = $1 and i.source = k.source and i.event_id = k.event_id"
    )
    rows = await connection.fetch(query, consumer, [key.source for key in keys], [key.id for key in keys])
    return {EventKey(*row) for row in rows}


class PostgresInbox:
    """The inbox of one consumer, in the handlers' own transaction."""

    # It returns those that were there before: usually none, while the new ones are the whole batch.
    _ADMIT = (
        "with k as (select * from unnest($2::text[], $3::text[]) as k(source, event_id)), "
        "fresh as (insert into inbox (consumer, source, event_id) select $1, * from k "
        "on conflict do nothing returning source, event_id) "
        "select * from k except select * from fresh"
    )
    _FORGET = (
        "delete from inbox i using unnest($2::text[], $3::text[]) as k(source, event_id) "
        "where i.consumer = $1 and i.source = k.source and i.event_id = k.event_id"
    )

    def __init__(self, connection: Connection, consumer: str) -> None:
        self._connection = connection
        self._consumer = consumer

    async def admit(self, keys: Sequence[EventKey]) -> set[EventKey]:
        # Sorted, so that two owners of the same records wait for each other instead of deadlocking.
        unique = set(keys)
        rows = await self._connection.fetch(self._ADMIT, self._consumer, *zip(*sorted(unique), strict=True))
        return unique.difference(map(EventKey._make, rows))

    async def forget(self, keys: Sequence[EventKey]) -> None:
        if keys:
            await self._connection.execute(self._FORGET, self._consumer, *zip(*keys, strict=True))
