"""How every message is executed, whatever brings it: dedupe, load, handle, record, keep.

Events from Kafka, HTTP commands, messages of partners, results of outbound actions and redriven dead letters all become
a `Message` and go through `Executor.run`, many of them in one transaction. What happens when that fails is for who
called it: `messaging/pipeline.py` for records, `commands.py` for HTTP, `outbound_actions.py` for what was done outside.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from chassis.crash_points import crash_point
from chassis.failures import HandlersFailed
from chassis.handling import Handler, MessageContext
from chassis.outbox_records import OutboxRecord, OutboxRecordFactory
from chassis.persistence.audit import rows_of
from chassis.persistence.connection import overlapping
from chassis.persistence.dead_letters import Closed, DeadLetter, OrderingKey
from chassis.persistence.idempotency import IdempotencyRecord, KeyUsedTwice
from chassis.persistence.inbox import EventKey
from chassis.persistence.store import NewRows, NotNew, Store, Transaction
from chassis.persistence.timers import WaitingTimer
from chassis.record import Outcome
from chassis.unit_of_work import LoadPlan, UnitOfWork


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The key of a command that its caller may repeat. Executed once, it always gets the answer of the first time."""

    key: str
    fingerprint: str
    """Of the content: the same key with another content is refused."""
    to_json: Callable[[Any], str]
    from_json: Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Redriven:
    """The dead letter that a message is taken from, and who redrives it."""

    letter: DeadLetter
    by: str


@dataclass(slots=True, eq=False)
class Message:
    """A message for one handler. `run` fills in the last four fields."""

    content: object
    handler: Handler
    context: MessageContext
    event_keys: tuple[EventKey, ...] = ()
    """Noted in the inbox: the message has an effect only if all of them are new."""
    ordering_key: OrderingKey | None = None
    """While a dead letter of this key is open, the message waits behind it."""
    idempotency_key: IdempotencyKey | None = None
    redriven: Redriven | None = None
    outcome: Outcome | None = None
    """HANDLED, DUPLICATE or PARKED. What is parked was not executed, and left no trace."""
    answer: Any = None
    """What the handler returned, or what it returned the first time."""
    error: KeyUsedTwice | None = None
    """Instead of an answer."""
    known: frozenset[EventKey] = frozenset()
    """Those of its keys that were in the inbox before."""


class OutboxPublisher(Protocol):
    """Brings what is in the outbox to Kafka."""

    def publish_after(self, records: Sequence[OutboxRecord]) -> AbstractAsyncContextManager[None]:
        """Around the statement that commits records of new aggregates: publish them as soon as it succeeded."""
        ...

    def wake(self) -> None:
        """Something new was committed to the outbox."""
        ...


class RelayElsewhere:
    """Where no relay runs in this process: the one of another process looks into the outbox by itself."""

    def publish_after(self, _: Sequence[OutboxRecord]) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def wake(self) -> None:
        return None


class Executor:
    """Executes messages against the store of one service."""

    def __init__(
        self, service: str, store: Store, *, now: Callable[[], datetime], publisher: OutboxPublisher | None = None
    ) -> None:
        self._store = store
        self._outbox_records_of = OutboxRecordFactory(service, now)
        self._publisher = publisher or RelayElsewhere()

    async def run(self, messages: Sequence[Message]) -> None:
        """Execute all of them in one transaction, in their order; each gets its outcome and its answer.

        Raises:
            HandlersFailed: the handlers of some raised an error.
            Exception: whatever the database says. After any error nothing was kept, unless the connection was lost
                during the commit: then nobody knows, and who runs it again finds out by its keys.
        """
        todo = await self._take_out_answered(messages)
        if not todo or await self._insert(todo):
            return
        async with self._store.transaction() as transaction:
            todo = await self._dedupe(transaction, todo)
            unit_of_work = await transaction.load(_plan_of(todo))
            self._handle(todo, unit_of_work)
            crash_point("after handler")
            await self._keep(transaction, todo, unit_of_work)
            await _close_redriven(transaction, messages)
            crash_point("before database commit")
        crash_point("after database commit")
        self._publisher.wake()

    async def _take_out_answered(self, messages: Sequence[Message]) -> list[Message]:
        """Commands that were executed before get their answer; the others are returned."""
        keys = [message.idempotency_key.key for message in messages if message.idempotency_key]
        answers = await self._store.answers(keys) if keys else {}
        todo = []
        for message in messages:
            key = message.idempotency_key
            if key and key.key in answers:
                _answer(message, key, answers[key.key])
            else:
                todo.append(message)
        return todo

    async def _insert(self, messages: Sequence[Message]) -> bool:
        """For messages that ask to load nothing: everything in one statement, and its events go to Kafka at once.

        False: it cannot be done so, because something is there already, is parked, or has to be read.
        """
        if any(message.redriven or not _plan_of([message]).is_empty for message in messages):
            return False
        unit_of_work = UnitOfWork()
        self._handle(messages, unit_of_work)
        aggregates = unit_of_work.added()
        records, timers = self._outbox_records(unit_of_work)
        # Of an aggregate that is new, nothing older can wait in the outbox: these overtake nothing.
        if not {record.aggregate_id for record in records} <= {one.id for some in aggregates.values() for one in some}:
            return False
        crash_point("after handler")
        rows = NewRows(
            aggregates,
            records,
            timers,
            event_keys=[key for message in messages for key in message.event_keys],
            behind={message.ordering_key for message in messages if message.ordering_key},
            answers=_answers(messages),
            audit=rows_of(unit_of_work.changes),
            projected=unit_of_work.projected,
        )
        crash_point("before database commit")
        try:
            async with self._publisher.publish_after(records):
                await self._store.insert(rows)
        except NotNew:
            return False
        crash_point("after database commit")
        return True

    async def _dedupe(self, transaction: Transaction, messages: Sequence[Message]) -> list[Message]:
        """Step 1. Those that have to be executed: not handled before, and not behind a dead letter of their key.

        The inbox comes first, because whoever else executes the same message waits there until we have committed or
        rolled back. Every transaction locks in this order: inbox, dead letters, aggregates.
        """
        keys = [key for message in messages for key in message.event_keys]
        new = await transaction.inbox.admit(keys) if keys else set()
        crash_point("after inbox insert")
        parked = await _parked(transaction, [one for one in messages if new.issuperset(one.event_keys)])
        todo: list[Message] = []
        used: set[EventKey] = set()
        kept: set[EventKey] = set()
        for message in messages:
            message.known = frozenset(message.event_keys) - new
            if not await _takes_its_turn(transaction, message):
                message.outcome = Outcome.PARKED
            elif message.known or not used.isdisjoint(message.event_keys):
                message.outcome = Outcome.DUPLICATE
                # The first key says which record it was: that one is decided now.
                kept.update(message.event_keys[:1])
            elif message.ordering_key in parked and not message.redriven:
                message.outcome = Outcome.PARKED
            else:
                todo.append(message)
                used.update(message.event_keys)
        if unused := new - used - kept:
            await transaction.inbox.forget([*unused])
        return todo

    @staticmethod
    def _handle(messages: Sequence[Message], unit_of_work: UnitOfWork) -> None:
        """Step 3."""
        failed: dict[Message, Exception] = {}
        for message in messages:
            try:
                message.answer = message.handler.call(message.content, unit_of_work, message.context)
                unit_of_work.collect_events(message.context)
            except Exception as error:
                failed[message] = error
            else:
                message.outcome = Outcome.HANDLED
        if failed:
            raise HandlersFailed(failed)

    async def _keep(self, transaction: Transaction, messages: Sequence[Message], unit_of_work: UnitOfWork) -> None:
        """Steps 4 and 5: the answers, the aggregates, the events that they publish, and who asked for it."""
        if answers := _answers(messages):
            await transaction.idempotency_records.add(answers)
        async with overlapping(transaction.save(unit_of_work)):
            records, timers = self._outbox_records(unit_of_work)
        if records:
            await transaction.outbox.append(records)
        if timers:
            await transaction.timers.set(timers)
        if unit_of_work.changes:
            await transaction.audit.add(rows_of(unit_of_work.changes))

    def _outbox_records(self, unit_of_work: UnitOfWork) -> tuple[list[OutboxRecord], list[WaitingTimer]]:
        """What is published now, and what is published later."""
        recorded = unit_of_work.recorded
        due = [one.due_at for one in recorded if one.due_at]
        timers = self._outbox_records_of(one for one in recorded if one.due_at)
        records = self._outbox_records_of(one for one in recorded if one.due_at is None)
        return records, [*map(WaitingTimer, due, timers)]


def _plan_of(messages: Iterable[Message]) -> LoadPlan:
    """Step 2: what their handlers declared."""
    plan = LoadPlan()
    for message in messages:
        plan.include(message.handler, message.content)
    return plan


async def _parked(transaction: Transaction, messages: Iterable[Message]) -> set[OrderingKey]:
    """The keys of these messages that have an open dead letter."""
    keys = {message.ordering_key for message in messages if message.ordering_key and not message.redriven}
    return await transaction.dead_letters.parked(keys) if keys else set()


async def _takes_its_turn(transaction: Transaction, message: Message) -> bool:
    """False: the dead letter of this message is closed by now, or another one of its key comes first."""
    return message.redriven is None or await transaction.dead_letters.take(message.redriven.letter)


async def _close_redriven(transaction: Transaction, messages: Iterable[Message]) -> None:
    """A dead letter that went through is closed in the same transaction."""
    for message in messages:
        if message.redriven and message.outcome is not Outcome.PARKED:
            letter, by = message.redriven.letter, message.redriven.by
            await transaction.dead_letters.close(letter.id, Closed.REDRIVEN, by, str(message.outcome))
            crash_point("during redrive")


def _answers(messages: Iterable[Message]) -> list[IdempotencyRecord]:
    """What to remember for callers that repeat themselves."""
    return [
        IdempotencyRecord(key.key, key.fingerprint, key.to_json(message.answer))
        for message in messages
        if (key := message.idempotency_key)
    ]


def _answer(message: Message, key: IdempotencyKey, record: IdempotencyRecord) -> None:
    """Answer a repeated command as the first time."""
    message.outcome = Outcome.DUPLICATE
    if record.fingerprint == key.fingerprint:
        message.answer = key.from_json(record.answer)
    else:
        message.error = KeyUsedTwice(key.key)
