"""Commands that come in over HTTP: the same unit of work and outbox as for events, each answered exactly once."""

import asyncio
import hashlib
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel
from uuid6 import uuid7

from chassis.handling import Handler, MessageContext, Permanent
from chassis.messaging.failures import PASSING
from chassis.messaging.outbox import Promise
from chassis.messaging.store import PostgresStore
from chassis.observability.metrics import Metrics
from chassis.unit_of_work import Wanted

ATTEMPTS = 5
_NAMESPACE = UUID("52f6c0ec-7d4e-5d0f-8d9b-0b6b7a4c1b7e")

Answer = TypeVar("Answer", bound=BaseModel)


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
        self._now = now
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
            result = await self._insist(command, answer, key)
            ending = "accepted"
        except Permanent:
            ending = "refused"
            raise
        finally:
            self._metrics.commands.labels(self._service, type(command).__name__, ending).inc()
        return result

    async def _insist(self, command: BaseModel, answer: type[Answer], key: str | None) -> Answer:
        attempt = 0
        while True:
            try:
                return await self._transact(command, answer, key)
            except PASSING:
                attempt += 1
                if attempt == ATTEMPTS:
                    raise
                await asyncio.sleep(0.02 * 2**attempt * random.random())

    async def _transact(self, command: BaseModel, answer: type[Answer], key: str | None) -> Answer:
        handler = self._handlers[type(command)]
        kind = type(command).__name__
        # Scoped by the kind of command: a client may use one key for a question and for a workplace.
        request = None if key is None else f"{kind}/{key}"
        id_ = uuid7() if request is None else uuid5(_NAMESPACE, request)
        context = MessageContext(id=str(id_), source=self._source, type=kind, time=self._now())
        wanted = Wanted()
        wanted.include(handler, command)
        async with self._store.transaction() as transaction:
            if request is not None:
                earlier = await transaction.claim(request, _fingerprint(command))
                if earlier is not None:
                    return answer.model_validate_json(earlier)
            unit_of_work = await transaction.load(wanted)
            result: Answer = handler.call(command, unit_of_work, context)
            unit_of_work.record_facts(context)
            await transaction.save(unit_of_work)
            if unit_of_work.recorded:
                await transaction.outbox.append([self._promise(recorded) for recorded in unit_of_work.recorded])
            if request is not None:
                await transaction.answer(request, result.model_dump_json())
        self._wake()
        return result


def _fingerprint(command: BaseModel) -> str:
    return hashlib.sha256(command.model_dump_json().encode()).hexdigest()
