"""Events on their way to Kafka: the outbox record with its final bytes, and how it is made of an event."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chassis.handling import PermanentError
from chassis.topics import PARTNER, TOPICS, Topic, topic_of
from chassis.unit_of_work import RecordedEvent
from contracts.envelope import Envelope, Texts
from contracts.event import Event
from contracts.schema import schema_of

LARGEST = 900_000
"""Bytes of one event. The broker takes 1 MiB; what cannot be published must fail here, not in the relay."""


class OutboxRecord(NamedTuple):
    """What the Kafka record will be. Unique by (aggregate_id, sequence, topic)."""

    aggregate_id: UUID
    sequence: int
    topic: str
    headers: Texts
    value: bytes

    @property
    def identity(self) -> tuple[UUID, int, str]:
        """What it is unique by."""
        return self[:3]


class OutboxRecordFactory:
    """Makes outbox records of the events of one service."""

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
        event, sequence, cause, due_at = recorded
        topic, schema = self._topic_and_schema(event)
        type_, key = event.declaration.type, event.aggregate_id
        subject = str(key)
        # A timer is recorded ahead of its time: for its reader, it happened and was recorded when it was due.
        envelope = Envelope(
            id=str(cause.new_id(f"{subject}/{sequence}")),
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
        value = event.to_json()
        if len(value) > LARGEST:
            raise PermanentError(f"{type_} of {len(value)} bytes: at most {LARGEST} can be published")
        return OutboxRecord(key, sequence, topic.name, envelope.texts(), value)

    def _topic_and_schema(self, event: Event) -> tuple[Topic, str]:
        kind = type(event)
        known = self._known.get(kind)
        if known is None:
            known = self._topic(event), schema_of(kind)["$id"]
            # The topic of a partner follows from the event, not from its type alone.
            if PARTNER not in kind.declaration.topic:
                self._known[kind] = known
        return known

    def _topic(self, event: Event) -> Topic:
        declared = event.declaration.topic
        if PARTNER in declared:
            return topic_of(declared, vars(event)["partner"])
        return TOPICS[declared.replace("<service>", self._service)]
