"""HTTP commands: those that arrive within a moment share a transaction, and each is answered exactly once."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import compress
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel
from uuid6 import uuid7

from chassis.actors import PLATFORM, Actor
from chassis.execution import Executor, IdempotencyKey, Message
from chassis.failures import GaveUp, HandlersFailed, RetryPolicy, cause_of, retried, was_rolled_back
from chassis.handling import Handler, MessageContext, PermanentError, TransientError
from chassis.observability.metrics import Metrics
from chassis.partner_gateway import ReceivedMessage, Verdict, count_verdicts
from chassis.record import Outcome

LARGEST_BATCH = 50
"""Commands in one transaction."""
NEXT_AFTER = 0.2
"""Seconds that a transaction has before the next begins beside it: who waits for a lock keeps nobody else waiting."""
SPACING = 0.03
"""Seconds from the beginning of one transaction to the next, unless the next is full or the first had one command. What
arrives within this time goes through all services together, and each command pays a part of every step."""
RETRIES = RetryPolicy(first=0.02)
MOST_WAITING = 500
"""Commands that wait for their transaction, and requests of partners under way: about a second of work at full speed.
More are refused at once, because whoever sent them would have given up before their turn."""
_NAMESPACE = UUID("52f6c0ec-7d4e-5d0f-8d9b-0b6b7a4c1b7e")

Answer = TypeVar("Answer", bound=BaseModel)


CALLER_LEFT: ContextVar[Callable[[], Awaitable[bool]] | None] = ContextVar("CALLER_LEFT", default=None)
"""Did the caller of the HTTP request hang up? Set by whatever serves it."""


class Overloaded(TransientError):
    """More commands wait than can be executed before their callers give up."""


@dataclass(frozen=True, slots=True, eq=False)
class Request(Generic[Answer]):
    """A command that somebody waits for."""

    message: Message
    answered: asyncio.Future[Answer]
    caller_left: Callable[[], Awaitable[bool]] | None

    async def has_left(self) -> bool:
        """Did the caller hang up?"""
        return self.caller_left is not None and await self.caller_left()

    def answer(self, error: Exception | None = None) -> None:
        """Tell the caller, unless it went away."""
        if self.answered.done():
            return
        if error := error or self.message.error:
            self.answered.set_exception(error)
        else:
            self.answered.set_result(self.message.answer)


class Commands:
    """Executes commands of one process, together with others that arrive at the same time."""

    def __init__(
        self,
        service: str,
        handlers: Mapping[type[Any], Handler],
        executor: Executor,
        metrics: Metrics,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._source = f"/services/{service}/http"
        self._handlers = handlers
        self._service = service
        self._executor = executor
        self._metrics = metrics
        self.now = now
        self._waiting: list[Request[Any]] = []
        self._full = asyncio.Event()
        self._working: asyncio.Task[None] | None = None
        self._executing: set[asyncio.Task[None]] = set()
        self._taking_in = 0

    async def execute(
        self, command: BaseModel, answer: type[Answer], key: str | None = None, *, actor: Actor = PLATFORM
    ) -> Answer:
        """The handler's answer. With the same `key` and the same command, the very answer of the first time.

        A key belongs to the actor: nobody gets the answer of another by guessing a key.

        Raises:
            Refused: the handler does not accept the command.
            KeyUsedTwice: the key came with another command before.
            Overloaded: too many commands wait.
        """
        kind, ending = type(command).__name__, "failed"
        if len(self._waiting) >= MOST_WAITING:
            self._metrics.commands.labels(self._service, kind, "overload").inc()
            raise Overloaded
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        message = self._message(command, answer, key, actor)
        self._waiting.append(Request(message, answered, CALLER_LEFT.get()))
        if len(self._waiting) >= LARGEST_BATCH:
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

    async def take_in(self, received: Sequence[ReceivedMessage]) -> None:
        """Messages of a partner over HTTP: all of them or none, and what was sent before has no second effect.

        Raises:
            Overloaded: too many requests are under way.
        """
        if self._taking_in >= MOST_WAITING:
            raise Overloaded
        self._taking_in += 1
        try:
            await self._take_in(received)
        finally:
            self._taking_in -= 1

    async def _take_in(self, received: Sequence[ReceivedMessage]) -> None:
        messages = {self._partner_message(one): one for one in received}
        try:
            await retried(partial(self._executor.run, [*messages]), RETRIES)
        except GaveUp as gave_up:
            raise cause_of(gave_up.error) from None
        self.count_verdicts(
            one.repeated if message.outcome is Outcome.DUPLICATE else one.verdict for message, one in messages.items()
        )

    def count_verdicts(self, verdicts: Iterable[Verdict]) -> None:
        """Note what the partner gateway decided about messages."""
        count_verdicts(self._metrics, verdicts)

    def _partner_message(self, one: ReceivedMessage) -> Message:
        return Message(one.content, self._handlers[type(one.content)], one.context, (one.event_key,))

    def _message(self, command: BaseModel, answer: type[Answer], key: str | None, actor: Actor) -> Message:
        kind = type(command)
        # A client may use one key for a question and for a workplace.
        key = key and f"{kind.__name__}/{actor.id}/{key}"
        id_ = uuid5(_NAMESPACE, key) if key else uuid7()
        context = MessageContext(id=str(id_), source=self._source, type=kind.__name__, time=self.now(), actor=actor)
        message = Message(command, self._handlers[kind], context)
        if key:
            message.idempotency_key = _idempotency_key(key, command, answer)
        return message

    async def _work(self) -> None:
        """Batch after batch, until nobody waits."""
        while self._waiting:
            requests = await self._still_wanted(self._next_batch())
            if not requests:
                continue
            next_at = asyncio.get_running_loop().time() + SPACING
            executing = asyncio.create_task(self._execute(requests))
            self._executing.add(executing)
            executing.add_done_callback(self._executing.discard)
            await asyncio.wait({executing}, timeout=NEXT_AFTER)
            if len(requests) > 1:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(next_at):
                        await self._full.wait()

    def _next_batch(self) -> list[Request[Any]]:
        """The requests that waited longest. Of several with the same key only the first: the others want its answer."""
        batch: list[Request[Any]] = []
        left: list[Request[Any]] = []
        keys: set[str] = set()
        for request in self._waiting:
            key = request.message.idempotency_key
            if len(batch) == LARGEST_BATCH or (key and key.key in keys):
                left.append(request)
            else:
                batch.append(request)
                keys.update([key.key] if key else [])
        self._waiting = left
        if len(left) < LARGEST_BATCH:
            self._full.clear()
        return batch

    async def _still_wanted(self, requests: list[Request[Any]]) -> list[Request[Any]]:
        """Without those whose callers hung up before their turn: nobody would hear the answer.

        All are asked, however short they waited here: after a stall most of them waited in the kernel, because uvloop
        accepts one connection per turn of the loop.
        """
        left = await asyncio.gather(*(request.has_left() for request in requests))
        for request in compress(requests, left):
            request.answer(Overloaded())
        return [request for request, gone in zip(requests, left, strict=True) if not gone]

    async def _execute(self, requests: Sequence[Request[Any]]) -> None:
        """In one transaction; when that fails, whoever is at fault apart from the others."""
        try:
            await retried(partial(self._executor.run, [request.message for request in requests]), RETRIES)
        except GaveUp as gave_up:
            await self._execute_apart(requests, gave_up.error)
        else:
            for request in requests:
                request.answer()

    async def _execute_apart(self, requests: Sequence[Request[Any]], error: Exception) -> None:
        """Again, but not together, if it is certain that nothing was kept; otherwise every caller is told.

        Who is told asks again with the same Idempotency-Key, and finds out.
        """
        if len(requests) == 1:
            requests[0].answer(cause_of(error))
            return
        if isinstance(error, HandlersFailed):
            alone = [request for request in requests if request.message in error.failed]
            together = [request for request in requests if request.message not in error.failed]
        elif was_rolled_back(error):
            alone, together = [*requests], []
        else:
            for request in requests:
                request.answer(error)
            return
        parts = [[request] for request in alone] + ([together] if together else [])
        await asyncio.gather(*map(self._execute, parts))


def _idempotency_key(key: str, command: BaseModel, answer: type[BaseModel]) -> IdempotencyKey:
    fingerprint = hashlib.sha256(command.model_dump_json().encode()).hexdigest()
    return IdempotencyKey(key, fingerprint, answer.model_dump_json, answer.model_validate_json)
