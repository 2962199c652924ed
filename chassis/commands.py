"""Commands that come in over HTTP: the same unit of work and outbox as for events, each answered exactly once."""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel
from uuid6 import uuid7

from chassis.handling import Handler, MessageContext, Permanent
from chassis.messaging.door import Opened, Verdict, count
from chassis.messaging.failures import PASSING
from chassis.messaging.outbox import Promise
from chassis.messaging.store import PostgresStore, keep
from chassis.observability.metrics import Metrics
from chassis.unit_of_work import UnitOfWork, Wanted

ATTEMPTS = 5
_NAMESPACE = UUID("52f6c0ec-7d4e-5d0f-8d9b-0b6b7a4c1b7e")

Answer = TypeVar("Answer", bound=BaseModel)
T = TypeVar("T")


class Commands:
    """Runs the handler of a command in one transaction, and wakes the relay."""

    def __init__(
        self,
        service: str,
        handlers: dict[type[Any], Handler],
        store: PostgresStore,
        metrics: Metrics,
        *,
        now: Callable[[], datetime],
        wake: Callable[[], None],
    ) -> None:
        self._source = f"/services/{service}/http"
        self._handlers = handlers
        self._service = service
        self._store = store
        self._metrics = metrics
        self.now = now
        self._wake = wake
        self._promise = Promise(service, now)

    async def execute(self, command: BaseModel, answer: type[Answer], key: str | None = None) -> Answer:
        """The handler's answer. With the same `key` and the same command, the very answer of the first time.

        Raises:
            Refused: the handler does not accept the command.
            KeyUsedTwice: the key came with another command before.
        """
        ending = "failed"
        try:
            result = await _insist(lambda: self._transact(command, answer, key))
            ending = "accepted"
        except Permanent:
            ending = "refused"
            raise
        finally:
            self._metrics.commands.labels(self._service, type(command).__name__, ending).inc()
        return result

    async def take_in(self, opened: Sequence[Opened]) -> None:
        """What came through the door over HTTP: all of it or nothing, and what was said before has no second effect."""
        verdicts = await _insist(lambda: self._take_in(opened))
        self._wake()
        self.count_border(verdicts)

    def count_border(self, verdicts: Iterable[Verdict]) -> None:
        """Note what the border made of messages."""
        count(self._metrics, verdicts)

    async def _take_in(self, opened: Sequence[Opened]) -> list[Verdict]:
        handlers = [self._handlers[type(one.message)] for one in opened]
        verdicts = []
        wanted = Wanted()
        for one, handler in zip(opened, handlers, strict=True):
            wanted.include(handler, one.message)
        async with self._store.transaction() as transaction:
            fresh = await transaction.inbox.admit([one.said for one in opened])
            unit_of_work = await transaction.load(wanted)
            for one, handler in zip(opened, handlers, strict=True):
                verdicts.append(one.verdict if one.said in fresh else one.said_before())
                if one.said in fresh:
                    fresh.discard(one.said)
                    handler.call(one.message, unit_of_work, one.context)
                    unit_of_work.record_facts(one.context)
            await keep(unit_of_work, transaction, self._promise)
        return verdicts

    async def _transact(self, command: BaseModel, answer: type[Answer], key: str | None) -> Answer:
        handler = self._handlers[type(command)]
        kind = type(command).__name__
        # Scoped by the kind of command: a client may use one key for a question and for a workplace.
        request = None if key is None else f"{kind}/{key}"
        id_ = uuid7() if request is None else uuid5(_NAMESPACE, request)
        context = MessageContext(id=str(id_), source=self._source, type=kind, time=self.now())
        wanted = Wanted()
        wanted.include(handler, command)
        async with self._store.transaction() as transaction:
            unit_of_work = await transaction.load(wanted)
            result: Answer | Exception = _call(handler, command, unit_of_work, context)
            if request is not None:
                # Also when it is refused now: what was accepted the first time stays accepted.
                earlier = await transaction.claim(request, _fingerprint(command), _written(result))
                if earlier is not None:
                    return answer.model_validate_json(earlier)
            if isinstance(result, Exception):
                raise result
            await keep(unit_of_work, transaction, self._promise)
        self._wake()
        return result


async def _insist(work: Callable[[], Awaitable[T]]) -> T:
    attempt = 0
    while True:
        try:
            return await work()
        except PASSING:
            attempt += 1
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(0.02 * 2**attempt * random.random())


def _call(handler: Handler, command: BaseModel, unit_of_work: UnitOfWork, context: MessageContext) -> Any:
    """Its answer or its failure. Nothing is kept yet, so what a request made again does here is forgotten."""
    try:
        result = handler.call(command, unit_of_work, context)
        unit_of_work.record_facts(context)
    except Exception as error:
        return error
    return result


def _written(result: BaseModel | Exception) -> str:
    """Of a failure nothing: it undoes the claim too."""
    return "" if isinstance(result, Exception) else result.model_dump_json()


def _fingerprint(command: BaseModel) -> str:
    return hashlib.sha256(command.model_dump_json().encode()).hexdigest()
