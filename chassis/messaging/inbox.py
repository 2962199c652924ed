"""Which events this service has handled: the reason why a second delivery does nothing."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from chassis.messaging.dead_letters import Key
from chassis.persistence.connection import Connection
from chassis.persistence.statement import Statement


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


# Without a consumer, and so not at all, when one of the keys is parked.
_ADMIT_NEW = (
    "insert into inbox (consumer, source, event_id) select case when not exists (select from dead_letters d "
    "join unnest($4::text[], $5::bytea[]) as p(topic, key) on d.topic = p.topic and d.key = p.key "
    "where d.status = 'open') then $1 end, source, event_id from unnest($2::text[], $3::text[]) as k(source, event_id)"
)


def admitting(consumer: str, keys: Collection[EventKey], behind: Collection[Key]) -> Statement:
    """Note these events as handled. It fails when one of them was before, or when one of the keys is parked."""
    sources, ids = zip(*sorted(keys), strict=True)
    return Statement(_ADMIT_NEW, [consumer, sources, ids, [key.topic for key in behind], [key.key for key in behind]])


class PostgresInbox:
    """The inbox of one consumer, in the handlers' own transaction."""

    # It answers with those that were there before: hardly ever one, while those that are new are the whole batch.
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
