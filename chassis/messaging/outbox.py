"""Facts that will be published: written in the transaction that made them true, with their final bytes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from pydantic_core import from_json, to_json

from chassis.handling import PermanentError
from chassis.messaging.topics import PARTNER, TOPICS, Topic, topic_of
from chassis.persistence.connection import Connection
from chassis.persistence.statement import Statement
from chassis.unit_of_work import RecordedEvent
from contracts.envelope import Envelope, Texts
from contracts.event import Event
from contracts.schema import schema_of

LARGEST = 900_000
"""Bytes of one event. The broker takes 1 MiB; what cannot be published must fail here, not in the relay."""


class OutboxRecord(NamedTuple):
    """A promise to publish: what the Kafka record will be. Unique by (aggregate_id, sequence, topic)."""

    aggregate_id: UUID
    sequence: int
    topic: str
    headers: Texts
    value: bytes

    @property
    def identity(self) -> tuple[UUID, int, str]:
        """What it is unique by."""
        return self[:3]


class Unpublished(NamedTuple):
    """An outbox record with its position: within a key, positions follow the order of the facts."""

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
        """OutboxRecordFactory to publish these, in this order per key."""
        ...

    async def unpublished(self, limit: int, now: datetime, arrived: Sequence[OutboxRecord] = ()) -> list[Unpublished]:
        """The oldest promises that are still open, in order of position, without the keys that are held.

        `arrived`: the broker has these, whatever their position. They are forgotten, and not among the answer.
        """
        ...

    async def published(self, positions: Sequence[int]) -> None:
        """These are acknowledged by the broker."""
        ...

    async def hold(self, holds: Sequence[Hold]) -> None:
        """These failed once more."""
        ...


class OutboxRecordFactory:
    """Makes outbox records of the facts of one service."""

    def __init__(self, service: str, now: Callable[[], datetime]) -> None:
        self._service = service
        self._source = f"/services/{service}"
        self._now = now
        self._known: dict[type[Event], tuple[Topic, str]] = {}

    def __call__(self, recorded: Iterable[RecordedEvent]) -> list[OutboxRecord]:
        """Raises PermanentError when an event is larger than the broker takes."""
        now = self._now()
        return [self._record(one, now) for one in recorded]

    def _record(self, recorded: RecordedEvent, now: datetime) -> OutboxRecord:
        fact, sequence, cause, due_at = recorded
        topic, schema = self._topic_and_schema(fact)
        type_, key = fact.declaration.type, fact.aggregate_id
        subject = str(key)
        # A timer is written ahead: for who reads it, it happened and was written when it was due.
        envelope = Envelope(
            id=cause.new_id_text(f"{subject}/{sequence}"),
            source=self._source,
            type=type_,
            time=due_at or cause.time,
            subject=subject,
            recordedtime=due_at or now,
            sequence=sequence,
            correlationid=cause.correlation or subject,
            causationid=cause.id,
            dataclassification=topic.data_class,
            dataschema=schema,
            traceparent=cause.traceparent,
            authid=cause.authid,
        )
        value = fact.to_json()
        if len(value) > LARGEST:
            raise PermanentError(f"{type_} of {len(value)} bytes: at most {LARGEST} can be published")
        return OutboxRecord(key, sequence, topic.name, envelope.texts(), value)

    def _topic_and_schema(self, fact: Event) -> tuple[Topic, str]:
        kind = type(fact)
        known = self._known.get(kind)
        if known is None:
            known = self._topic(fact), schema_of(kind)["$id"]
            # The topic of a partner follows from the fact, not from its type alone.
            if PARTNER not in kind.declaration.topic:
                self._known[kind] = known
        return known

    def _topic(self, fact: Event) -> Topic:
        declared = fact.declaration.topic
        if PARTNER in declared:
            return topic_of(declared, vars(fact)["partner"])
        return TOPICS[declared.replace("<service>", self._service)]


_APPEND = (
    "insert into outbox (aggregate_id, sequence, topic, headers, value) "
    "select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::json[], $5::bytea[])"
)


def appending(records: Sequence[OutboxRecord]) -> Statement:
    """OutboxRecordFactory to publish these, in this order per key."""
    ids, sequences, topics, headers, values = zip(*records, strict=True)
    return Statement(_APPEND, [ids, sequences, topics, [written(one) for one in headers], values])


class PostgresOutbox:
    """The outbox table, on the connection of the running transaction."""

    # Unpublished rows by position, never `position > cursor`: a transaction that commits late would be skipped.
    _UNPUBLISHED = (
        "select position, aggregate_id, sequence, topic, headers, value from outbox "
        "where aggregate_id not in (select aggregate_id from outbox where held_until > $1) {}order by position limit $2"
    )
    # The look sees the rows that are deleted beside it.
    _FORGET_AND_LOOK = (
        "with arrived as (delete from outbox using unnest($3::uuid[], $4::bigint[], $5::text[]) as a(id, number, name) "
        "where aggregate_id = a.id and sequence = a.number and topic = a.name returning position) "
        + _UNPUBLISHED.format("and position not in (select position from arrived) ")
    )
    _HOLD = (
        "update outbox set attempts = attempts + 1, held_until = hold.until, error = hold.error "
        "from unnest($1::bigint[], $2::timestamptz[], $3::text[]) as hold(position, until, error) "
        "where outbox.position = hold.position"
    )

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        sql, arguments = appending(records)
        await self._connection.execute(sql, *arguments)

    async def unpublished(self, limit: int, now: datetime, arrived: Sequence[OutboxRecord] = ()) -> list[Unpublished]:
        if arrived:
            identities = zip(*(record.identity for record in arrived), strict=True)
            rows = await self._connection.fetch(self._FORGET_AND_LOOK, now, limit, *identities)
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


def written(headers: Texts) -> str:
    """Headers as they are kept."""
    return to_json(headers).decode()
