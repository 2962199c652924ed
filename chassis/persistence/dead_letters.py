"""Records that a service set aside: kept whole in its database, announced on `duaal.<service>.dead-letters`.

An open dead letter parks its key: later records of the key wait behind it, so that they never overtake it.
"""

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple, Protocol
from uuid import UUID, uuid5

from pydantic_core import from_json, to_json

from chassis.persistence.connection import Connection
from chassis.record import Record
from contracts.event import Event
from contracts.vocabulary import DeadLetterReason

_NAMESPACE = UUID("4d7c7e55-5f0e-5d2e-8f7f-0e1a5a8b2c3d")


class Closed(StrEnum):
    """How a dead letter stopped waiting."""

    REDRIVEN = "redriven"
    """it went through the pipeline after all"""
    DISCARDED = "discarded"
    """a person decided that it is not needed"""


class OrderingKey(NamedTuple):
    """Order is kept for the records of one key of one topic."""

    topic: str
    key: bytes


@dataclass(slots=True)
class DeadLetter:
    """A record that was set aside, and why. `detail` names fields and rules, never values."""

    record: Record
    reason: DeadLetterReason
    error: str
    detail: str
    attempts: int
    type: str | None = None
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    @property
    def id(self) -> UUID:
        """Follows from the record and where it stands: setting it aside twice is setting it aside once.

        From both, because a topic that is made anew has other records in the same places.
        """
        record = self.record
        content = repr((record.key, list(record.headers), record.value)).encode()
        return uuid5(_NAMESPACE, f"{record.place}/{sha256(content).hexdigest()}")


class DeadLetters(Protocol):
    """The dead letters inside one transaction."""

    async def parked(self, keys: Collection[OrderingKey]) -> set[OrderingKey]:
        """Those of the keys that have an open dead letter."""
        ...

    async def open(self, letters: Sequence[DeadLetter]) -> set[UUID]:
        """Keep these; the answer is the ids of those that were not there yet."""
        ...

    async def list_open(self) -> list[DeadLetter]:
        """All that wait for a person, oldest first."""
        ...

    async def take(self, letter: DeadLetter) -> bool:
        """Lock the open letters of its key. False: it is not the first of them, or not open any more."""
        ...

    async def close(self, id_: UUID, status: Closed, by: str, reason: str) -> None:
        """It no longer waits, and no longer parks its key."""
        ...

    async def note_attempt(self, id_: UUID, error: str, detail: str) -> None:
        """It was tried again and failed."""
        ...


async def places_set_aside(connection: Connection, topic: str) -> set[tuple[int, int]]:
    """Partition and offset of the records of a topic that were set aside and not handled since, open or discarded."""
    query = "select partition, \"offset\" from dead_letters where topic = $1 and status in ('open', 'discarded')"
    return {(row[0], row[1]) for row in await connection.fetch(query, topic)}


class PostgresDeadLetters:
    """The dead_letters table, on the connection of the running transaction."""

    # `for share`: while a redrive of the key is running, this waits for its end and then sees what is still open.
    _PARKED = (
        "select d.topic, d.key from dead_letters d "
        "join unnest($1::text[], $2::bytea[]) as k(topic, key) on d.topic = k.topic and d.key = k.key "
        "where d.status = 'open' for share of d"
    )
    _OPEN = (
        'insert into dead_letters (id, topic, partition, "offset", key, headers, value, reason, error, detail, '
        "attempts, type) select * from unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[], $5::bytea[], "
        "$6::json[], $7::bytea[], $8::text[], $9::text[], $10::text[], $11::int[], $12::text[]) "
        "on conflict (id) do nothing returning id"
    )
    _LIST = (
        'select topic, partition, "offset", key, headers, value, reason, error, detail, attempts, type '
        "from dead_letters where status = 'open' order by position"
    )
    _OF_KEY = (
        "select id from dead_letters where status = 'open' and topic = $1 and "
        "(key = $2 or ($2::bytea is null and id = $3)) order by position for update"
    )
    _CLOSE = "update dead_letters set status = $2, closed_by = $3, closed_reason = $4, closed_at = now() where id = $1"
    _ATTEMPT = "update dead_letters set attempts = attempts + 1, error = $2, detail = $3 where id = $1"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def parked(self, keys: Collection[OrderingKey]) -> set[OrderingKey]:
        topics, raw = [key.topic for key in keys], [key.key for key in keys]
        return {OrderingKey(row[0], row[1]) for row in await self._connection.fetch(self._PARKED, topics, raw)}

    async def open(self, letters: Sequence[DeadLetter]) -> set[UUID]:
        rows = [_row(letter) for letter in letters]
        return {row[0] for row in await self._connection.fetch(self._OPEN, *zip(*rows, strict=True))}

    async def list_open(self) -> list[DeadLetter]:
        return [
            DeadLetter(
                Record(topic, partition, offset, key, _headers(headers), value),
                DeadLetterReason(reason),
                error,
                detail,
                attempts,
                type_,
            )
            for topic, partition, offset, key, headers, value, reason, error, detail, attempts, type_ in (
                await self._connection.fetch(self._LIST)
            )
        ]

    async def take(self, letter: DeadLetter) -> bool:
        record = letter.record
        rows = await self._connection.fetch(self._OF_KEY, record.topic, record.key, letter.id)
        return bool(rows) and rows[0][0] == letter.id

    async def close(self, id_: UUID, status: Closed, by: str, reason: str) -> None:
        await self._connection.execute(self._CLOSE, id_, status, by, reason)

    async def note_attempt(self, id_: UUID, error: str, detail: str) -> None:
        await self._connection.execute(self._ATTEMPT, id_, error, detail)


def _row(letter: DeadLetter) -> tuple[object, ...]:
    record = letter.record
    # A header may hold any bytes or none at all, and the letter has to give it back exactly.
    headers = [(name, None if value is None else base64.b64encode(value).decode()) for name, value in record.headers]
    return (
        letter.id,
        record.topic,
        record.partition,
        record.offset,
        record.key,
        to_json(headers).decode(),
        record.value,
        letter.reason,
        letter.error,
        letter.detail,
        letter.attempts,
        letter.type,
    )


def _headers(written: str) -> list[tuple[str, bytes | None]]:
    return [(name, None if value is None else base64.b64decode(value)) for name, value in from_json(written)]
