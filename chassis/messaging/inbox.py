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


class PostgresInbox:
    """The inbox of one consumer, in the handlers' own transaction."""

    _ADMIT = (
        "insert into inbox (consumer, source, event_id) select $1, * from unnest($2::text[], $3::text[]) "
        "on conflict do nothing returning source, event_id"
    )

    def __init__(self, connection: Connection, consumer: str) -> None:
        self._connection = connection
        self._consumer = consumer

    async def admit(self, keys: Sequence[EventKey]) -> set[EventKey]:
        # Sorted, so that two owners of the same records wait for each other instead of deadlocking.
        ordered = sorted(set(keys))
        sources, ids = [key.source for key in ordered], [key.id for key in ordered]
        rows = await self._connection.fetch(self._ADMIT, self._consumer, sources, ids)
        return {EventKey(row[0], row[1]) for row in rows}
