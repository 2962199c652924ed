"""Messages with defaults for everything that a test is not about."""

from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

from chassis.handling import MessageContext
from chassis.outbox_records import OutboxRecord
from chassis.record import Record
from contracts.envelope import Envelope, Headers, encoded
from contracts.event import Event

NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
"""Nothing is held any more."""
"""Noon of a Monday in Brussels: the time of every message that does not say otherwise."""

_offsets = count()


def a_context(*, at: datetime = NOON, id_: str | None = None) -> MessageContext:
    """Where a message comes from."""
    return MessageContext(id=id_ or str(uuid4()), source="/test", type="test", time=at)


def headers_of(event: Event, *, id_: str | None = None, at: datetime = NOON) -> Headers:
    """The headers that its owner would send."""
    return an_envelope(event, id_=id_, at=at).headers()


def an_envelope(event: Event, *, id_: str | None = None, at: datetime = NOON, sequence: int = 1) -> Envelope:
    """The envelope that its owner would put it in."""
    return Envelope(
        id=id_ or str(uuid4()),
        source=f"/services/{event.declaration.owner}",
        type=event.declaration.type,
        time=at,
        subject=str(event.aggregate_id),
        recordedtime=at,
        sequence=sequence,
        correlationid=str(event.aggregate_id),
    )


def a_record(
    event: Event | None = None,
    *,
    id_: str | None = None,
    at: datetime = NOON,
    topic: str = "test.topic",
    partition: int = 0,
    offset: int | None = None,
    key: bytes | None = None,
    headers: list[tuple[str, bytes | None]] | None = None,
    value: bytes | None = None,
) -> Record:
    """A Kafka record: of an event, or of whatever else somebody might send."""
    if event:
        topic = event.declaration.topic
        key = str(event.aggregate_id).encode() if key is None else key
        headers = [*headers_of(event, id_=id_, at=at)] if headers is None else headers
        value = event.to_json() if value is None else value
    return Record(topic, partition, next(_offsets) if offset is None else offset, key, headers or [], value)


def as_it_arrives(record: OutboxRecord) -> Record:
    """What a consumer gets of an outbox record."""
    key = str(record.aggregate_id).encode()
    return a_record(topic=record.topic, key=key, headers=[*encoded(record.headers)], value=record.value)


def an_outbox_record(event: Event, sequence: int = 1) -> OutboxRecord:
    """The outbox record of an event."""
    headers = an_envelope(event, sequence=sequence).texts()
    return OutboxRecord(event.aggregate_id, sequence, event.declaration.topic, headers, event.to_json())
