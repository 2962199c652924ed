"""Which events this service has handled: the reason why a second delivery does nothing."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from chassis.persistence.connection import Connection


class EventKey(NamedTuple):
    """What makes an event unique: CloudEvents promises that no producer uses an id twice."""

    source: str
    id: str


class Inbox(Protocol):
    """The inbox inside one transaction."""

    async def admit(self, keys: Sequence[EventKey]) -> set[EventKey]:
        """Note these events as handled; the answer is those that were not before."""
        ...

    async def handled(self, keys: Sequence[EventKey]) -> set[EventKey]:
        """Those of the events that are noted already."""
        ...


class PostgresInbox:
    """The inbox of one consumer, in the handlers' own transaction."""

    _ADMIT = (
        "insert into inbox (consumer, source, event_id) select $1, * from unnest($2::text[], $3::text[]) "
        "on conflict do nothing returning source, event_id"
    )
    _HANDLED = (
        "select i.source, i.event_id from inbox i join unnest($2::text[], $3::text[]) as k(source, event_id) "
        "on i.source = k.source and i.event_id = k.event_id where i.consumer = $1"
    )

    def __init__(self, connection: Connection, consumer: str) -> None:
        self._connection = connection
        self._consumer = consumer

    async def admit(self, keys: Sequence[EventKey]) -> set[EventKey]:
        # Sorted, so that two owners of the same records wait for each other instead of deadlocking.
        return await self._fetch(self._ADMIT, sorted(set(keys)))

    async def handled(self, keys: Sequence[EventKey]) -> set[EventKey]:
        return await self._fetch(self._HANDLED, keys)

    async def _fetch(self, statement: str, keys: Sequence[EventKey]) -> set[EventKey]:
        sources, ids = [key.source for key in keys], [key.id for key in keys]
        rows = await self._connection.fetch(statement, self._consumer, sources, ids)
        return {EventKey(row[0], row[1]) for row in rows}
