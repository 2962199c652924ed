"""Commands that come in over HTTP: the same unit of work and outbox as for events, each answered exactly once."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid5

import asyncpg
from pydantic import BaseModel
from uuid6 import uuid7

from chassis.handling import Handler, MessageContext, PermanentError
from chassis.messaging.direct_publisher import Board, on_foot
from chassis.messaging.failures import TRANSIENT_ERRORS
from chassis.messaging.outbox import OutboxRecordFactory
from chassis.messaging.store import IdempotencyRecord, NotNew, PostgresStore, insert, keep
from chassis.observability.metrics import Metrics
from chassis.partner_gateway import ReceivedMessage, Verdict, count
from chassis.unit_of_work import LoadPlan, UnitOfWork

ATTEMPTS = 5
TOGETHER = 50
"""Commands of one transaction, at most."""
PATIENCE = 0.2
"""Seconds that a transaction has before the next begins beside it."""
SPACING = 0.03
"""Seconds from the beginning of one transaction to the next, unless the next is full or the first was of one command:
who comes alone does not wait. Of many, those that come within this time go through all services together, and each of
them pays for a part of every step."""
_NAMESPACE = UUID("52f6c0ec-7d4e-5d0f-8d9b-0b6b7a4c1b7e")

Answer = TypeVar("Answer", bound=BaseModel)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Request(Generic[Answer]):
    """A command that somebody waits for."""

    command: BaseModel
    answer: type[Answer]
    key: str | None
    """The Idempotency-Key and the kind of command: a client may use one key for a question and for a workplace."""
    answered: asyncio.Future[Answer]


class NotTogether(Exception):
    """One of several requests was made before or fails: each has to be executed alone."""


UNDONE: tuple[type[Exception], ...] = (NotTogether, PermanentError, asyncpg.DataError, *TRANSIENT_ERRORS)
"""Nothing of the transaction happened. Of any other failure, such as a connection that is lost while it commits, nobody
knows, and to execute it again could do it twice: its caller hears of it, and decides."""


class Commands:
    """Runs the handlers of commands and wakes the relay: those that come soon after each other share a transaction."""

    def __init__(
        self,
        service: str,
        handlers: dict[type[Any], Handler],
        store: PostgresStore,
        metrics: Metrics,
        *,
        now: Callable[[], datetime],
        wake: Callable[[], None],
        board: Board = on_foot,
    ) -> None:
        self._source = f"/services/{service}/http"
        self._handlers = handlers
        self._service = service
        self._store = store
        self._metrics = metrics
        self.now = now
        self._wake = wake
        self._board = board
        self._promise = OutboxRecordFactory(service, now)
        self._waiting: list[Request[Any]] = []
        self._full = asyncio.Event()
        self._working: asyncio.Task[None] | None = None
        self._executing: set[asyncio.Task[None]] = set()

    async def execute(self, command: BaseModel, answer: type[Answer], key: str | None = None) -> Answer:
        """The handler's answer. With the same `key` and the same command, the very answer of the first time.

        Raises:
            Refused: the handler does not accept the command.
            KeyUsedTwice: the key came with another command before.
        """
        kind, ending = type(command).__name__, "failed"
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(Request(command, answer, key and f"{kind}/{key}", answered))
        if len(self._waiting) >= TOGETHER:
            self._full.set()
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        try:
            result = await answered
            ending = "accepted"
        except PermanentError:
            ending = "refused"
            raise
        finally:
            self._metrics.commands.labels(self._service, kind, ending).inc()
        return result

    async def take_in(self, opened: Sequence[ReceivedMessage]) -> None:
        """What came through the door over HTTP: all of it or nothing, and what was said before has no second effect."""
        verdicts = await _insist(lambda: self._take_in(opened))
        self._wake()
        self.count_border(verdicts)

    def count_border(self, verdicts: Iterable[Verdict]) -> None:
        """Note what the border made of messages."""
        count(self._metrics, verdicts)

    async def _take_in(self, opened: Sequence[ReceivedMessage]) -> list[Verdict]:
        handlers = [self._handlers[type(one.message)] for one in opened]
        verdicts = []
        plan = LoadPlan()
        for one, handler in zip(opened, handlers, strict=True):
            plan.include(handler, one.message)
        async with self._store.transaction() as transaction:
            fresh = await transaction.inbox.admit([one.said for one in opened])
            unit_of_work = await transaction.load(plan)
            for one, handler in zip(opened, handlers, strict=True):
                verdicts.append(one.verdict if one.said in fresh else one.said_before())
                if one.said in fresh:
                    fresh.discard(one.said)
                    handler.call(one.message, unit_of_work, one.context)
                    unit_of_work.collect_events(one.context)
            await keep(unit_of_work, transaction, self._promise)
        return verdicts

    async def _work(self) -> None:
        while self._waiting:
            requests, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
            if len(self._waiting) < TOGETHER:
                self._full.clear()
            next_at = asyncio.get_running_loop().time() + SPACING
            executing = asyncio.create_task(self._execute(requests))
            self._executing.add(executing)
            executing.add_done_callback(self._executing.discard)
            # Not for longer: who waits for a lock keeps nobody else waiting.
            await asyncio.wait({executing}, timeout=PATIENCE)
            if len(requests) > 1:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(next_at):
                        await self._full.wait()

    async def _execute(self, requests: Sequence[Request[Any]]) -> None:
        """Together; when that failed each alone, so that only who is at fault hears of it."""
        try:
            answers = await _insist(lambda: self._transact(requests))
        except Exception as error:
            if len(requests) > 1 and isinstance(error, UNDONE):
                await asyncio.gather(*(self._execute([one]) for one in requests))
                return
            for request in requests:
                _tell(request, error)
        else:
            for request, answer in zip(requests, answers, strict=True):
                _tell(request, answer)

    async def _transact(self, requests: Sequence[Request[Any]]) -> list[BaseModel]:
        plan = LoadPlan()
        for one in requests:
            plan.include(self._handlers[type(one.command)], one.command)
        if not plan.kinds and (answers := await self._insert(requests)):
            return answers
        async with self._store.transaction() as transaction:
            unit_of_work = await transaction.load(plan)
            results = [self._call(one, unit_of_work) for one in requests]
            # Also of what is refused now: what was accepted the first time stays accepted.
            claims = _claims(requests, results)
            known = bool(claims) and not await transaction.claim(claims)
            answers = [result for result in results if not isinstance(result, Exception)]
            failed = [result for result in results if isinstance(result, Exception)]
            if len(requests) > 1 and (known or failed):
                raise NotTogether
            if known:
                return [requests[0].answer.model_validate_json(await transaction.answer_to(claims[0]))]
            if failed:
                raise failed[0]
            await keep(unit_of_work, transaction, self._promise)
        self._wake()
        return answers

    async def _insert(self, requests: Sequence[Request[Any]]) -> list[BaseModel] | None:
        """The short way, for handlers that read nothing: one statement. None: something was there before, or fails."""
        unit_of_work = UnitOfWork()
        results = [self._call(one, unit_of_work) for one in requests]
        answers = [result for result in results if not isinstance(result, Exception)]
        if len(answers) < len(results):
            return None
        try:
            claims = _claims(requests, results)
            await insert(unit_of_work, self._store, self._promise, self._board, claims=claims)
        except NotNew:
            return None
        return answers

    def _call(self, request: Request[Any], unit_of_work: UnitOfWork) -> BaseModel | Exception:
        """Its answer or its failure. Nothing is kept yet, so what a request made again does here is forgotten."""
        id_ = uuid7() if request.key is None else uuid5(_NAMESPACE, request.key)
        kind = type(request.command)
        context = MessageContext(id=str(id_), source=self._source, type=kind.__name__, time=self.now())
        try:
            result: BaseModel = self._handlers[kind].call(request.command, unit_of_work, context)
            unit_of_work.collect_events(context)
        except Exception as error:
            return error
        return result


async def _insist(work: Callable[[], Awaitable[T]]) -> T:
    attempt = 0
    while True:
        try:
            return await work()
        except TRANSIENT_ERRORS:
            attempt += 1
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(0.02 * 2**attempt * random.random())


def _tell(request: Request[Any], result: BaseModel | Exception) -> None:
    """Unless nobody waits any more."""
    if request.answered.done():
        return
    if isinstance(result, Exception):
        request.answered.set_exception(result)
    else:
        request.answered.set_result(result)


def _claims(requests: Sequence[Request[Any]], results: Sequence[BaseModel | Exception]) -> list[IdempotencyRecord]:
    """Of those that have a key."""
    return [_claim(one.key, one, result) for one, result in zip(requests, results, strict=True) if one.key]


def _claim(key: str, request: Request[Any], result: BaseModel | Exception) -> IdempotencyRecord:
    fingerprint = hashlib.sha256(request.command.model_dump_json().encode()).hexdigest()
    # Of a failure no answer: it undoes the claim too.
    return IdempotencyRecord(key, fingerprint, "" if isinstance(result, Exception) else result.model_dump_json())
