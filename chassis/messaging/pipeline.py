"""What happens to a Kafka record: it is read, executed, and ends in exactly one of six outcomes.

The fixed order is: 1 receive, 2 context, 3 route, 4 decode (`receive`, ahead of time and without the database);
5 execute (`execution.py`, many records in one transaction); 6 set aside what cannot be handled, which parks its key;
7 measure. Committing the offset is for the consumer.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

import structlog
from pydantic import ValidationError

from chassis.execution import Executor, Message, Redriven
from chassis.failures import (
    Fault,
    GaveUp,
    HandlersFailed,
    Pause,
    RetryPolicy,
    SetAside,
    cause_of,
    explain,
    fault_of,
    retried,
)
from chassis.handling import Handler, MessageContext, PermanentError, TransientError
from chassis.messaging.dead_letter_limit import DeadLetterLimit, Halted
from chassis.observability.metrics import Metrics
from chassis.outbox_records import OutboxRecordFactory
from chassis.partner_gateway import PartnerGateway, ReceivedMessage, Verdict, count_verdicts
from chassis.persistence.dead_letters import DeadLetter, OrderingKey
from chassis.persistence.inbox import EventKey
from chassis.persistence.store import Store, Transaction
from chassis.record import Outcome, Record
from chassis.unit_of_work import RecordedEvent
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


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record is set aside."""

    reason: DeadLetterReason
    error: Exception
    attempts: int = 0


UNEXPLAINED = Failure(DeadLetterReason.EXHAUSTED, TransientError("nobody can explain it yet"))
BEHIND = Failure(DeadLetterReason.BEHIND, PermanentError("an earlier record of the key is set aside"))


@dataclass(slots=True, eq=False)
class Delivery:
    """One record on its way through the pipeline. It is decided as soon as it has an outcome."""

    record: Record
    outcome: Outcome | None = None
    message: Message | None = None
    """What to execute; None when there is no handler, or when the record cannot be read."""
    failure: Failure | None = None
    """Why it cannot be executed."""
    context: MessageContext | None = None
    event_keys: tuple[EventKey, ...] = ()
    written_at: datetime | None = None
    received: ReceivedMessage | None = None
    """What the partner gateway made of it, when it came from a partner."""
    decided_before: bool = False
    """In an earlier delivery: the verdict of the gateway was counted then."""

    @property
    def ordering_key(self) -> OrderingKey | None:
        """The key whose order it belongs to."""
        return None if self.record.key is None else OrderingKey(self.record.topic, self.record.key)

    @property
    def marks(self) -> set[object]:
        """What it may share with another record, which then may not overtake it: the key, and the event itself."""
        key = self.ordering_key
        return {*self.event_keys, key} if key else {*self.event_keys}

    @property
    def place(self) -> tuple[str, int]:
        """Topic and partition."""
        return self.record.topic, self.record.partition


class Suspicions:
    """Records whose failures nobody can explain: is it the record, or what every record needs?

    It is the record when others that go through the same handler succeed, and this one fails again after that.
    """

    def __init__(self) -> None:
        self._moments = count()
        self._last_success: dict[str, int] = {}
        """Per handler."""
        self._first_failure: dict[str, int] = {}
        """Per record, by its place."""

    def succeeded(self, handler: str) -> None:
        """A record went through this handler."""
        self._last_success[handler] = next(self._moments)

    def is_alone(self, delivery: Delivery) -> bool:
        """This record failed: have others succeeded since it failed for the first time?"""
        assert delivery.message
        first = self._first_failure.setdefault(delivery.record.place, next(self._moments))
        return self._last_success.get(delivery.message.handler.name, -1) > first

    def cleared(self, delivery: Delivery) -> None:
        """This record is decided."""
        self._first_failure.pop(delivery.record.place, None)


class Pipeline:
    """Turns records into outcomes for one service. Outcomes do not depend on how records are cut into batches."""

    def __init__(
        self,
        service: str,
        handlers: dict[type[Any], Handler],
        store: Store,
        executor: Executor,
        metrics: Metrics,
        *,
        now: Callable[[], datetime],
        partner_gateway: PartnerGateway | None = None,
        retry_policy: RetryPolicy | None = None,
        batch_budget: float = 60.0,
        limit: DeadLetterLimit | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`batch_budget`: seconds that the records of a batch may take one by one, far below Kafka's poll interval."""
        self._service = service
        self._handlers = handlers
        self._by_type = {kind.declaration.type: one for kind, one in handlers.items() if issubclass(kind, Event)}
        self._store = store
        self._executor = executor
        self._metrics = metrics
        self._now = now
        self._gateway = partner_gateway
        self._gateway_topics = frozenset(partner_gateway.topics if partner_gateway else ())
        self._outbox_records_of = OutboxRecordFactory(service, now)
        self._retry_policy = retry_policy or RetryPolicy()
        self._batch_budget = batch_budget
        self._limit = limit or DeadLetterLimit()
        self._sleep = sleep
        self._suspicions = Suspicions()

    # 1 to 4

    def receive(self, records: Sequence[Record]) -> list[Delivery]:
        """The steps that need no database, and may be done ahead. Never raises: what cannot be read has a failure."""
        return [self._receive(record) for record in records]

    def _receive(self, record: Record) -> Delivery:
        delivery = Delivery(record)
        try:
            if self._gateway and record.topic in self._gateway_topics:
                self._receive_from_partner(delivery, self._gateway)
            else:
                self._receive_event(delivery)
        except InvalidEnvelope as error:
            delivery.failure = Failure(DeadLetterReason.INVALID_ENVELOPE, error)
        except ValidationError as error:
            delivery.failure = Failure(DeadLetterReason.INVALID_DATA, error)
        except Exception as error:
            delivery.failure = Failure(DeadLetterReason.REFUSED, error)
        return delivery

    def _receive_from_partner(self, delivery: Delivery, gateway: PartnerGateway) -> None:
        delivery.received = received = gateway.receive(delivery.record, self._now())
        delivery.context = received.context
        delivery.event_keys = received.event_keys(delivery.record)
        self._prepare(delivery, self._handlers[type(received.content)], received.content)

    def _receive_event(self, delivery: Delivery) -> None:
        envelope, data = read(delivery.record.headers, delivery.record.value)
        delivery.written_at = envelope.recordedtime
        delivery.context = MessageContext(
            id=envelope.id,
            source=envelope.source,
            type=envelope.type,
            time=envelope.time,
            correlation=envelope.correlationid,
            traceparent=envelope.traceparent,
            received=(envelope, data or b""),
        )
        handler = self._by_type.get(envelope.type)
        if handler is None:
            delivery.outcome = Outcome.IGNORED
            return
        delivery.event_keys = (EventKey(envelope.source, envelope.id),)
        self._prepare(delivery, handler, handler.message.from_json(data or b""))

    @staticmethod
    def _prepare(delivery: Delivery, handler: Handler, content: object) -> None:
        assert delivery.context
        delivery.message = Message(
            content, handler, delivery.context, delivery.event_keys, ordering_key=delivery.ordering_key
        )

    # 5 to 7

    async def process(self, deliveries: Sequence[Delivery]) -> list[Outcome]:
        """Decide every record, in order. When this returns, everything is committed.

        Raises:
            Paused: a dependency is down; nothing that is undecided was lost, deliver all of it again.
            Halted: too many dead letters; stop without committing the offsets.
        """
        try:
            await self._execute_together(deliveries)
            await self._execute_one_by_one(deliveries)
        except Halted:
            self._metrics.messages.labels(self._service, "any", Outcome.HALTED).inc()
            raise
        outcomes = [delivery.outcome for delivery in deliveries if delivery.outcome]
        assert len(outcomes) == len(deliveries), "a record has no outcome"
        return outcomes

    async def _execute_together(self, deliveries: Sequence[Delivery]) -> None:
        """In one transaction, all that can be: what is left undecided has to be treated one by one."""
        started = time.perf_counter()
        apart = {delivery for delivery in deliveries if delivery.failure}
        while together := self._independent_of(apart, deliveries):
            messages = {delivery.message: delivery for delivery in together if delivery.message}
            try:
                await self._executor.run([*messages])
            except HandlersFailed as failed:
                apart |= {messages[message] for message in failed.failed}
            except Exception as error:
                log.warning("batch failed, one record at a time", records=len(together), error=explain(error))
                break
            else:
                for delivery in together:
                    self._note_outcome(delivery)
                break
        self._measure([one for one in deliveries if one.outcome], time.perf_counter() - started)

    @staticmethod
    def _independent_of(apart: Collection[Delivery], deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Those undecided that share neither key nor event with an earlier one which has to be treated apart."""
        held: set[object] = set()
        independent = []
        for delivery in deliveries:
            if delivery.outcome:
                continue
            if delivery in apart or (held and not held.isdisjoint(delivery.marks)):
                held |= delivery.marks
            else:
                independent.append(delivery)
        return independent

    async def _execute_one_by_one(self, deliveries: Sequence[Delivery]) -> None:
        """What is undecided, in order. A failure that nobody can explain lets records of other keys go first."""
        deadline = time.monotonic() + self._batch_budget
        undecided = [*deliveries]
        while undecided:
            held: set[object] = set()
            for delivery in undecided:
                if delivery.outcome is None:
                    if time.monotonic() > deadline:
                        raise Paused(0)
                    if not held.isdisjoint(delivery.marks) or not await self._execute_alone(delivery):
                        held |= delivery.marks
                if delivery.outcome:
                    self._limit.note(delivery.place, dead=delivery.outcome is Outcome.DEAD_LETTERED)
            left = [delivery for delivery in undecided if delivery.outcome is None]
            if len(left) == len(undecided):
                raise Paused(self._retry_policy.pause)
            undecided = left

    async def _execute_alone(self, delivery: Delivery) -> bool:
        """Again and again, until it is handled or set aside. False: it fails, and nobody can explain why."""
        started = time.perf_counter()
        failure = delivery.failure
        while delivery.outcome is None:
            failure = failure or await self._attempt(delivery)
            if failure is UNEXPLAINED:
                return False
            if failure:
                self._limit.check(delivery.place)
                if gave_up := await self._tried(partial(self._set_aside, delivery, failure)):
                    raise gave_up.error
                # Undecided still: it was to wait behind a dead letter, which was closed meanwhile.
                failure = None
        self._suspicions.cleared(delivery)
        self._measure([delivery], time.perf_counter() - started)
        return True

    async def _attempt(self, delivery: Delivery) -> Failure | None:
        """Execute one record; returns why it has to be set aside, if it has to."""
        message = delivery.message
        assert message
        gave_up = await self._tried(partial(self._executor.run, [message]))
        if gave_up is None:
            self._note_outcome(delivery)
            return None if delivery.outcome else BEHIND
        error = cause_of(gave_up.error)
        if isinstance(gave_up.decision, SetAside):
            return Failure(gave_up.decision.reason, error, gave_up.attempts)
        if self._suspicions.is_alone(delivery):
            return Failure(DeadLetterReason.EXHAUSTED, error, gave_up.attempts)
        log.warning("unexplained failure", place=delivery.record.place, error=explain(error))
        return UNEXPLAINED

    async def _tried(self, work: Callable[[], Awaitable[None]]) -> GaveUp | None:
        """Do it, with retries; returns why that was given up, unless a dependency is down: then it raises Paused."""
        try:
            await retried(work, self._retry_policy, self._sleep)
        except GaveUp as gave_up:
            if isinstance(gave_up.decision, Pause):
                raise Paused(gave_up.decision.after) from gave_up.error
            return gave_up
        return None

    def _note_outcome(self, delivery: Delivery) -> None:
        """Take over what became of its message; what is parked still has to be set aside."""
        message = delivery.message
        assert message
        delivery.outcome = None if message.outcome is Outcome.PARKED else message.outcome
        delivery.decided_before = bool(message.known.intersection(delivery.event_keys[:1]))
        if message.outcome is Outcome.HANDLED:
            self._suspicions.succeeded(message.handler.name)

    async def _set_aside(self, delivery: Delivery, failure: Failure) -> None:
        """Keep it as a dead letter, unless it was decided before; behind a dead letter of its key it is parked."""
        async with self._store.transaction() as transaction:
            outcome, letter = await self._open_letter(transaction, delivery, failure)
        delivery.outcome = outcome
        if outcome and letter:
            log.warning(
                outcome, place=letter.record.place, type=letter.type, reason=letter.reason, detail=letter.detail
            )

    async def _open_letter(
        self, transaction: Transaction, delivery: Delivery, failure: Failure
    ) -> tuple[Outcome | None, DeadLetter | None]:
        """The steps of `_set_aside`, in the order in which every transaction locks: inbox, dead letters."""
        keys = delivery.event_keys
        new = await transaction.inbox.admit(keys) if keys else set()
        if len(new) < len(keys):
            delivery.decided_before = keys[0] not in new
            await transaction.inbox.forget([*(new - {keys[0]})])
            return Outcome.DUPLICATE, None
        # It was not handled, so its keys stay free for a redrive.
        await transaction.inbox.forget(keys)
        key = delivery.ordering_key
        parked = bool(key and await transaction.dead_letters.parked({key}))
        if failure is BEHIND and not parked:
            return None, None
        letter = _letter(delivery, BEHIND if parked else failure)
        if letter.id not in await transaction.dead_letters.open([letter]):
            delivery.decided_before = True
            return Outcome.DUPLICATE, None
        await transaction.outbox.append(self._outbox_records_of([self._notice(delivery, letter)]))
        return (Outcome.PARKED if parked else Outcome.DEAD_LETTERED), letter

    def _notice(self, delivery: Delivery, letter: DeadLetter) -> RecordedEvent:
        record, now = letter.record, self._now()
        event = DeadLetterOpened(
            dead_letter_id=letter.id,
            service=self._service,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=letter.reason,
            error=letter.error,
            type=letter.type if letter.type in self._by_type else None,
            attempts=letter.attempts,
            opened_at=now,
        )
        cause = delivery.context or MessageContext(id=record.place, source=record.topic, type="", time=now)
        return RecordedEvent(event, 1, cause)

    async def redrive(self, letter: DeadLetter, by: str) -> Outcome:
        """Try the first dead letter of a key again. What handles it closes it, in one transaction.

        DEAD_LETTERED: it failed again and stays open. DUPLICATE: it was handled in the meantime. PARKED: it is not the
        first of its key, or not open any more.

        Raises:
            Paused: a dependency is down; the letter stays as it is.
        """
        delivery = self._receive(letter.record)
        try:
            if delivery.failure:
                raise delivery.failure.error
            assert delivery.context
            # What has no handler any more is closed without an effect.
            message = delivery.message or Message(None, NO_HANDLER, delivery.context)
            message.redriven = Redriven(letter, by)
            await self._executor.run([message])
        except Exception as failed:
            if fault_of(failed) in (Fault.DEPENDENCY, Fault.CONTENTION):
                raise Paused(self._retry_policy.pause) from failed
            error = cause_of(failed)
            async with self._store.transaction() as transaction:
                await transaction.dead_letters.note_attempt(letter.id, type(error).__name__, explain(error))
            return Outcome.DEAD_LETTERED
        assert message.outcome
        return delivery.outcome or message.outcome

    def _measure(self, deliveries: Sequence[Delivery], seconds: float) -> None:
        self._metrics.count(
            self._service,
            [
                (one.context.type if one.event_keys and one.context else "other", one.outcome)
                for one in deliveries
                if one.outcome
            ],
        )
        count_verdicts(self._metrics, (verdict for one in deliveries if (verdict := _verdict(one))))
        self._metrics.handler_seconds.labels(self._service).observe(seconds)
        now = self._now()
        critical_time = self._metrics.critical_time_seconds.labels(self._service)
        for one in deliveries:
            if one.outcome is Outcome.HANDLED and one.written_at:
                critical_time.observe((now - one.written_at).total_seconds())


NO_HANDLER = Handler(object, {}, lambda *_: None, "nothing")


def _letter(delivery: Delivery, failure: Failure) -> DeadLetter:
    error, type_ = failure.error, delivery.context.type if delivery.context else None
    name = type(error).__name__.strip("_")
    return DeadLetter(delivery.record, failure.reason, name, explain(error), failure.attempts, type_)


def _verdict(delivery: Delivery) -> Verdict | None:
    """What is counted of a partner's message."""
    if delivery.received is None or delivery.decided_before:
        return None
    received = delivery.received
    return received.repeated if delivery.outcome is Outcome.DUPLICATE else received.verdict
