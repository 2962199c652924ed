"""Makes a projection again from its topic, in a table beside the one that is there, and swaps it in.

The service may go on meanwhile (docs/decisions/0026). What it had decided at the beginning is read first. For the rest
its table is locked: then no row of it is written, and the inbox says which of the remaining events are in the old table
and so belong in the new one. The others are still to be handled, and go to the new table.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from pydantic import ValidationError

from chassis.handling import Handler, MessageContext
from chassis.login import Login
from chassis.messaging.past import Offsets, Past, decided_by, past_of
from chassis.persistence.connection import Connection, Pool, overlapping
from chassis.persistence.dead_letters import places_set_aside
from chassis.persistence.inbox import EventKey, handled
from chassis.persistence.mapper import Mapper
from chassis.persistence.repository import Repository
from chassis.persistence.table_swap import TableSwap
from chassis.projections import Projected, Projection
from chassis.record import Record
from chassis.unit_of_work import UnitOfWork
from contracts.envelope import InvalidEnvelope, read
from contracts.event import Event


class CannotRebuild(Exception):
    """Not now: the message says why. Nothing was changed."""


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild has done."""

    events: int = 0
    rows: int = 0
    set_aside: int = 0
    """Records that the service set aside, so that they are in neither table."""
    unreadable: int = 0
    """Records that cannot be read, nor could they when they were decided."""
    taken_over: int = 0
    """Rows of the old table of which Kafka no longer has the events."""


class Found(NamedTuple):
    """An event of the topic that the projection knows."""

    record: Record
    key: EventKey
    event: Event
    handler: Handler
    context: MessageContext


class Rebuild:
    """One rebuild of one projection of a service. It remembers the key of every event, about 300 bytes each."""

    def __init__(
        self,
        service: str,
        projection: Projection[Any],
        mapper: Mapper[Any],
        pool: Pool,
        bootstrap_servers: str,
        login: Login | None = None,
        *,
        topic: str | None = None,
    ) -> None:
        self._service = service
        self._kind = projection.kind
        self._handlers = {event.message.declaration.type: event for event in projection.handlers()}
        self._mapper = mapper
        self._pool = pool
        self._topic = topic or projection.topic
        self._kafka = (bootstrap_servers, login)
        self._seen: set[EventKey] = set()
        self._skipped: set[tuple[int, int]] = set()
        self._done = Rebuilt()

    async def run(self) -> Rebuilt:
        """Do all of it.

        Raises:
            CannotRebuild: another rebuild of the table is running, or a dead letter was redriven meanwhile.
            KafkaIsAway: no broker answers.
        """
        async with self._alone() as connection, past_of(self._topic, *self._kafka) as past:
            swap = TableSwap(connection, self._mapper)
            await swap.make()
            rows = Repository(swap.new)
            await self._read_decided(connection, past, rows)
            async with swap.locked():
                await self._read_rest(connection, past, rows)
                if not past.is_whole:
                    self._done.taken_over = await swap.take_over()
                self._done.rows = await connection.fetchval(f"select count(*) from {swap.new.table}")
                await swap.swap()
        return self._done

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[Connection]:
        """A connection, for the only rebuild of this table."""
        name = f"rebuild {self._mapper.table}"
        async with self._pool.acquire() as connection:
            if not await connection.fetchval("select pg_try_advisory_lock(hashtextextended($1, 0))", name):
                raise CannotRebuild(f"another rebuild of {self._mapper.table} is running")
            try:
                yield connection
            finally:
                if not connection.is_closed():
                    await connection.execute("select pg_advisory_unlock(hashtextextended($1, 0))", name)

    async def _read_decided(self, connection: Connection, past: Past, rows: Repository[Any]) -> None:
        """What the service had decided when this began, while it goes on."""
        decided = await decided_by(self._service, await past.ends(), *self._kafka)
        # Read after the offsets: what they say was decided has its dead letter by now, if it has one.
        aside = await places_set_aside(connection, self._topic)
        projected: Projected[Any] = Projected()
        async for records in past.batches(decided):
            # PostgreSQL writes one batch while the next one is read.
            async with overlapping(rows.project(connection, projected)):
                projected = self._fold(self._found(records, aside))
        await rows.project(connection, projected)

    async def _read_rest(self, connection: Connection, past: Past, rows: Repository[Any]) -> None:
        """The rest, as far as it is in the old table, which nobody writes now."""
        ends = await past.ends()
        decided = await decided_by(self._service, ends, *self._kafka)
        aside = await places_set_aside(connection, self._topic)
        if not self._skipped <= aside:
            raise CannotRebuild("a dead letter of its topic was redriven meanwhile: start again")
        async for records in past.batches(ends):
            found = [*self._found(records, aside)]
            open_ = [one.key for one in found if not _is_before(decided, one.record)]
            in_inbox = await handled(connection, self._service, open_)
            fitting = (one for one in found if one.key in in_inbox or _is_before(decided, one.record))
            await rows.project(connection, self._fold(fitting))

    def _found(self, records: Iterable[Record], aside: Collection[tuple[int, int]]) -> Iterator[Found]:
        """The events of these records, without those that were set aside."""
        for record in records:
            if (place := (record.partition, record.offset)) in aside:
                self._skipped.add(place)
                self._done.set_aside = len(self._skipped)
            elif found := self._event(record):
                yield found

    def _event(self, record: Record) -> Found | None:
        try:
            envelope, data = read(record.headers, record.value)
            handler = self._handlers.get(envelope.type)
            if handler is None:
                return None
            event = handler.message.from_json(data or b"")
            context = MessageContext(envelope.id, envelope.source, envelope.type, envelope.time)
            return Found(record, EventKey(envelope.source, envelope.id), event, handler, context)
        except (InvalidEnvelope, ValidationError):
            self._done.unreadable += 1
            return None

    def _fold(self, found: Iterable[Found]) -> Projected[Any]:
        """What these events leave; of an event that was sent twice the first time counts, as in the inbox."""
        unit_of_work = UnitOfWork()
        for _, key, event, handler, context in found:
            if key not in self._seen:
                self._seen.add(key)
                handler.call(event, unit_of_work, context)
                self._done.events += 1
        return unit_of_work.projected.get(self._kind, Projected())


def _is_before(offsets: Offsets, record: Record) -> bool:
    return record.offset < offsets[TopicPartition(record.topic, record.partition)]
