"""The fixed order in which every record is treated, a micro-batch at a time, in one transaction."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pydantic import ValidationError

from chassis.crash_points import crash_point
from chassis.handling import Handler, MessageContext, PermanentError
from chassis.messaging.dead_letters import Closed, DeadLetter, Key
from chassis.messaging.direct_publisher import Board, on_foot
from chassis.messaging.failures import DeadLetterLimit, Halted, Pause, Retry, RetryPolicy, SetAside, explain
from chassis.messaging.inbox import EventKey
from chassis.messaging.outbox import OutboxRecordFactory
from chassis.messaging.record import Outcome, Record
from chassis.messaging.store import NotNew, Store, Transaction, insert, keep
from chassis.observability.metrics import Metrics
from chassis.partner_gateway import PartnerGateway, ReceivedMessage, count
from chassis.persistence.connection import beside
from chassis.unit_of_work import LoadPlan, RecordedEvent, UnitOfWork
from contracts.envelope import InvalidEnvelope, read
from contracts.event import Event
from contracts.operations import DeadLetterOpened
from contracts.vocabulary import DeadLetterReason

log = structlog.get_logger("pipeline")


class Paused(Exception):
    """A dependency is down: the records stay where they are. Try again after so many seconds."""

    def __init__(self, after: float) -> None:
        super().__init__(f"paused for {after} s")
        self.after = after


@dataclass(slots=True)
class Delivery:
    """One record on its way through the pipeline. It is decided as soon as it has an outcome."""

    record: Record
    outcome: Outcome | None = None
    context: MessageContext | None = None
    data: bytes | None = None
    handler: Handler | None = None
    parsed: object | Exception | None = None
    """What its data says, or why nobody can read it."""
    message: object | None = None
    """What the handler gets, once nothing is in the way."""
    opened: ReceivedMessage | None = None
    """What the door made of it, when it came through one."""
    letter: DeadLetter | None = None
    written_at: datetime | None = None
    keys: tuple[EventKey, ...] = ()
    """What may have an effect only once; nothing when it has no handler."""

    def set_aside(self, reason: DeadLetterReason, error: Exception, attempts: int = 0) -> None:
        """Make a dead letter of it."""
        self.outcome = Outcome.DEAD_LETTERED
        type_ = self.context.type if self.context else None
        self.letter = DeadLetter(self.record, reason, type(error).__name__.strip("_"), explain(error), attempts, type_)


DECIDED = (Outcome.IGNORED, Outcome.DUPLICATE)
"""How a record may end whatever its data says."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the only record of a transaction is to be set aside."""

    reason: DeadLetterReason
    error: Exception
    attempts: int


class Pipeline:
    """Turns records into outcomes for one service.

    Outcomes do not depend on how records are cut into batches: a batch that fails is undone and done again one record
    at a time.
    """

    def __init__(
        self,
        service: str,
        handlers: dict[type[Any], Handler],
        store: Store,
        metrics: Metrics,
        *,
        now: Callable[[], datetime],
        wake: Callable[[], None] = lambda: None,
        board: Board = on_foot,
        partner_gateway: PartnerGateway | None = None,
        retry_policy: RetryPolicy | None = None,
        limit: DeadLetterLimit | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._service = service
        self._handlers = {
            message.declaration.type: handler for message, handler in handlers.items() if issubclass(message, Event)
        }
        self._handlers_inside = handlers
        self._door = partner_gateway
        self._doors = frozenset(partner_gateway.topics) if partner_gateway else frozenset()
        self._store = store
        self._metrics = metrics
        self._now = now
        self._wake = wake
        self._board = board
        self._promise = OutboxRecordFactory(service, now)
        self._retry_policy = retry_policy or RetryPolicy()
        self._limit = limit or DeadLetterLimit()
        self._sleep = sleep

    def receive(self, records: Sequence[Record]) -> list[Delivery]:
        """The steps that need no database, and may be done ahead: nothing is decided."""
        deliveries = [Delivery(record) for record in records]  # 1 receive
        for delivery in deliveries:
            self._receive(delivery)  # 2 context, 3 route
        return deliveries

    async def process(
        self,
        records: Sequence[Record],
        received: list[Delivery] | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> list[Outcome]:
        """Decide every record, in order. When this returns, everything is committed.

        `received`: what was made of them ahead. `meanwhile`: what to begin with when the database is busy.

        Raises:
            Paused: a dependency is down; nothing that is undecided was lost, deliver all of it again.
            Halted: too many dead letters; stop without committing the offsets.
        """
        try:
            return await self._decide(records, received, meanwhile)
        except Halted:
            self._metrics.messages.labels(self._service, "any", Outcome.HALTED).inc()
            raise

    async def _decide(
        self, records: Sequence[Record], received: list[Delivery] | None, meanwhile: Callable[[], None]
    ) -> list[Outcome]:
        """All of them at once; when that fails, one at a time."""
        try:
            return await self._transact(received or self.receive(records), meanwhile=meanwhile)
        except Halted:
            raise
        except Exception as error:
            log.warning("batch failed, one record at a time", records=len(records), error=explain(error))
        deadline = time.monotonic() + self._retry_policy.poll_budget
        outcomes = []
        for record in records:
            if time.monotonic() > deadline:
                raise Paused(0)
            outcomes.append(await self._alone(record))
        return outcomes

    async def redrive(self, letter: DeadLetter, by: str) -> Outcome:
        """Try the first dead letter of a key again. What handles it closes it, in one transaction.

        DEAD_LETTERED: it failed again and stays open. DUPLICATE: it was handled in the meantime.

        Raises:
            Paused: a dependency is down; the letter stays as it is.
        """
        delivery = Delivery(letter.record)
        try:
            self._receive(delivery)
            async with self._store.transaction() as transaction:
                # The inbox before the letters, as everybody: who locks in another order waits for ever.
                await self._admit(transaction, [delivery])
                if not await transaction.dead_letters.take(letter):
                    if delivery.outcome is not Outcome.DUPLICATE:
                        await transaction.inbox.forget(delivery.keys)
                    return Outcome.PARKED
                self._decode([delivery], set(), None)
                await self._attempt(transaction, [delivery])
                if delivery.letter:
                    raise PermanentError(delivery.letter.detail)
                await transaction.dead_letters.close(letter.id, Closed.REDRIVEN, by, str(delivery.outcome))
                crash_point("during redrive")
        except Exception as error:
            if isinstance(decision := self._retry_policy.decide(error, letter.attempts), Pause):
                raise Paused(decision.after) from error
            async with self._store.transaction() as transaction:
                await transaction.dead_letters.note_attempt(letter.id, type(error).__name__, explain(error))
            return Outcome.DEAD_LETTERED
        self._wake()
        assert delivery.outcome
        return delivery.outcome

    async def _alone(self, record: Record) -> Outcome:
        attempts = 0
        failure: Failure | None = None
        while True:
            try:
                (outcome,) = await self._transact(self.receive([record]), failure)
                return outcome
            except Halted:
                raise
            except Exception as error:
                attempts += 1
                match self._retry_policy.decide(error, attempts):
                    case Pause(after):
                        raise Paused(after) from error
                    case Retry(after):
                        await self._sleep(after)
                    case SetAside(reason):
                        if failure:
                            raise
                        failure = Failure(reason, error, attempts)

    async def _transact(
        self,
        deliveries: list[Delivery],
        failure: Failure | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> list[Outcome]:
        """The order of everything. `failure`: why the one record is set aside instead of attempted."""
        started = time.perf_counter()
        todo = [delivery for delivery in deliveries if delivery.outcome is not Outcome.IGNORED]
        if todo and (failure or not await self._insert(todo, meanwhile)):
            async with self._store.transaction() as transaction:
                await self._admit(transaction, deliveries, meanwhile)  # 4 admit
                parked = await self._parked(transaction, deliveries)  # 5 parked
                self._decode(deliveries, parked, failure)  # 6 decode
                await self._attempt(transaction, deliveries)  # 7 attempt
                await self._set_aside(transaction, deliveries)
                crash_point("before database commit")
            crash_point("after database commit")
            self._wake()
        return self._measure(deliveries, time.perf_counter() - started)  # 8, the offset, is the consumer's; 9 measure

    async def _insert(self, deliveries: Sequence[Delivery], meanwhile: Callable[[], None]) -> bool:
        """The short way, for handlers that read nothing: steps 4 to 7 in one statement.

        False: nothing is decided. Something was handled before, is parked, cannot be read or fails.
        """
        if any(d.handler is None or d.handler.loads or d.opened for d in deliveries):
            return False
        _parse(deliveries)
        todo = [
            (d.handler, d.parsed, d.context)
            for d in deliveries
            if d.handler and d.context and not isinstance(d.parsed, Exception)
        ]
        if len(todo) < len(deliveries):
            return False
        unit_of_work = UnitOfWork()
        try:
            _handle(todo, unit_of_work)
        except Exception:
            return False
        crash_point("after handler")
        said = [key for d in deliveries for key in d.keys]
        behind = {key for d in deliveries if (key := _key(d.record))}
        crash_point("before database commit")
        try:
            async with beside(insert(unit_of_work, self._store, self._promise, self._board, said=said, behind=behind)):
                meanwhile()
        except NotNew:
            return False
        crash_point("after database commit")
        for one in deliveries:
            one.outcome = Outcome.HANDLED
        return True

    def _receive(self, delivery: Delivery) -> None:
        if self._door and delivery.record.topic in self._doors:
            delivery.opened = opened = self._door.open(delivery.record, self._now())
            delivery.context, delivery.handler = opened.context, self._handlers_inside[type(opened.message)]
            delivery.keys = opened.keys(delivery.record)
        else:
            self._read_context(delivery)
            self._route(delivery)

    def _read_context(self, delivery: Delivery) -> None:
        try:
            envelope, delivery.data = read(delivery.record.headers, delivery.record.value)
        except InvalidEnvelope as error:
            delivery.set_aside(DeadLetterReason.INVALID_ENVELOPE, error)
            return
        delivery.written_at = envelope.recordedtime
        delivery.context = MessageContext(
            id=envelope.id,
            source=envelope.source,
            type=envelope.type,
            time=envelope.time,
            correlation=envelope.correlationid,
            traceparent=envelope.traceparent,
            received=(envelope, delivery.data or b""),
        )

    def _route(self, delivery: Delivery) -> None:
        if context := delivery.context:
            delivery.handler = self._handlers.get(context.type)
            if delivery.handler:
                delivery.keys = (EventKey(context.source, context.id),)
            else:
                delivery.outcome = Outcome.IGNORED

    async def _admit(
        self, transaction: Transaction, deliveries: list[Delivery], meanwhile: Callable[[], None] = lambda: None
    ) -> None:
        """What was handled before is a duplicate.

        First of all, because whoever else has the same record in hand waits here until we have decided it, one way or
        the other, and then sees how.
        """
        pending = [(delivery, delivery.keys) for delivery in deliveries if delivery.keys]
        fresh: set[EventKey] = set()
        if pending:
            async with beside(transaction.inbox.admit([key for _, keys in pending for key in keys])) as admitting:
                _parse(deliveries)
                meanwhile()
            fresh = admitting.result()
        crash_point("after inbox insert")
        for delivery, keys in pending:
            if not fresh.issuperset(keys):
                delivery.outcome = Outcome.DUPLICATE
                # Counted when it was decided, unless only what it says is known.
                delivery.opened = delivery.opened if keys[0] in fresh else None
        # What the sender says of a record that was decided before may not count as handled now.
        known = [keys for _, keys in pending if keys[0] not in fresh]
        if strays := {key for keys in known for key in keys if key in fresh}:
            undecided = {key for d, keys in pending if d.outcome is not Outcome.DUPLICATE for key in keys}
            await transaction.inbox.forget([*(strays - undecided)])

    async def _parked(self, transaction: Transaction, deliveries: list[Delivery]) -> set[Key]:
        keys = {key for d in deliveries if d.outcome not in DECIDED and (key := _key(d.record))}
        return await transaction.dead_letters.parked(keys) if keys else set()

    def _decode(self, deliveries: list[Delivery], parked: set[Key], failure: Failure | None) -> None:
        """In order: what cannot be read parks the rest of its key, what comes twice is handled once."""
        taken: set[EventKey] = set()
        for delivery in deliveries:
            if delivery.outcome in DECIDED:
                continue
            if not taken.isdisjoint(delivery.keys):
                delivery.outcome = Outcome.DUPLICATE
                continue
            self._decode_one(delivery, parked, failure)
            if delivery.message is not None:
                taken.update(delivery.keys)
            if delivery.letter and (key := _key(delivery.record)):
                parked.add(key)

    def _decode_one(self, delivery: Delivery, parked: set[Key], failure: Failure | None) -> None:
        if _key(delivery.record) in parked:
            delivery.set_aside(DeadLetterReason.BEHIND, PermanentError("an earlier record of the key is set aside"))
            delivery.outcome = Outcome.PARKED
        elif failure and delivery.handler:
            delivery.set_aside(failure.reason, failure.error, failure.attempts)
        elif delivery.handler:
            if isinstance(delivery.parsed, ValidationError):
                delivery.set_aside(DeadLetterReason.INVALID_DATA, delivery.parsed)
            elif isinstance(delivery.parsed, Exception):
                raise delivery.parsed
            else:
                delivery.message = delivery.opened.message if delivery.opened else delivery.parsed

    async def _attempt(self, transaction: Transaction, deliveries: list[Delivery]) -> None:
        todo = [(d.handler, d.message, d.context) for d in deliveries if d.handler and d.message and d.context]
        if not todo:
            return
        plan = LoadPlan()
        for handler, message, _ in todo:
            plan.include(handler, message)
        unit_of_work = await transaction.load(plan)
        _handle(todo, unit_of_work)
        for delivery in deliveries:
            if delivery.message is not None:
                delivery.outcome = Outcome.HANDLED
        crash_point("after handler")
        await keep(unit_of_work, transaction, self._promise)

    async def _set_aside(self, transaction: Transaction, deliveries: list[Delivery]) -> None:
        aside = [(d, d.letter) for d in deliveries if d.letter]
        if not aside:
            return
        # It was not handled after all, and a redrive has to let it in; unless it was, as another record.
        handled = {key for d in deliveries if d.outcome is Outcome.HANDLED for key in d.keys}
        if keys := {key for d, _ in aside for key in d.keys} - handled:
            await transaction.inbox.forget([*keys])
        opened = await transaction.dead_letters.open([letter for _, letter in aside])
        notices = []
        for delivery, letter in aside:
            if letter.id in opened:
                notices.append(self._notice(delivery, letter))
            else:
                delivery.outcome, delivery.opened = Outcome.DUPLICATE, None
        if notices:
            await transaction.outbox.append(self._promise(notices))
        self._limit.check(_endings(deliveries))

    def _notice(self, delivery: Delivery, letter: DeadLetter) -> RecordedEvent:
        record = letter.record
        now = self._now()
        fact = DeadLetterOpened(
            dead_letter_id=letter.id,
            service=self._service,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=letter.reason,
            error=letter.error,
            type=letter.type if letter.type in self._handlers else None,
            attempts=letter.attempts,
            opened_at=now,
        )
        cause = delivery.context or MessageContext(id=record.place, source=record.topic, type="", time=now)
        return RecordedEvent(fact, 1, cause)

    def _measure(self, deliveries: list[Delivery], seconds: float) -> list[Outcome]:
        self._limit.note(_endings(deliveries))
        outcomes = []
        for delivery in deliveries:
            assert delivery.outcome, f"{delivery.record.place} has no outcome"
            outcomes.append(delivery.outcome)
            if delivery.letter:
                letter = delivery.letter
                log.warning(
                    delivery.outcome,
                    place=letter.record.place,
                    type=letter.type,
                    reason=letter.reason,
                    detail=letter.detail,
                )
        self._metrics.count(
            self._service,
            [
                (d.context.type if d.handler and d.context else "other", o)
                for d, o in zip(deliveries, outcomes, strict=True)
            ],
        )
        count(
            self._metrics,
            (
                d.opened.said_before() if d.outcome is Outcome.DUPLICATE else d.opened.verdict
                for d in deliveries
                if d.opened
            ),
        )
        self._metrics.handler_seconds.labels(self._service).observe(seconds)
        now = self._now()
        critical_time = self._metrics.critical_time_seconds.labels(self._service)
        for delivery in deliveries:
            if delivery.outcome is Outcome.HANDLED and delivery.written_at:
                critical_time.observe((now - delivery.written_at).total_seconds())
        return outcomes


def _parse(deliveries: Sequence[Delivery]) -> None:
    for delivery in deliveries:
        if delivery.handler and not delivery.opened:
            try:
                delivery.parsed = delivery.handler.message.from_json(delivery.data or b"")
            except Exception as error:
                delivery.parsed = error


def _handle(todo: Iterable[tuple[Handler, object, MessageContext]], unit_of_work: UnitOfWork) -> None:
    for handler, message, context in todo:
        handler.call(message, unit_of_work, context)
        unit_of_work.collect_events(context)


def _key(record: Record) -> Key | None:
    return None if record.key is None else Key(record.topic, record.key)


def _endings(deliveries: list[Delivery]) -> list[tuple[tuple[str, int], bool]]:
    return [((d.record.topic, d.record.partition), d.outcome is Outcome.DEAD_LETTERED) for d in deliveries]
