"""Actions outside the database: first the intent is committed, then a loop acts on it and records what came of it.

An intent is claimed before it is acted on, so that several processes can share the work. A crash between the action
and its record repeats the action when the claim has run out, with the intent's id as idempotency key.

Actions do not wait for each other: one whose other side is slow or down holds nobody up but itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog

from chassis.execution import Executor, Message
from chassis.failures import MISSING_DEPENDENCY
from chassis.handling import Handler, MessageContext
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.persistence.store import PostgresStore
from chassis.unit_of_work import LoadPlan, UnitOfWork

log = structlog.get_logger("outbound_actions")

POLL = 0.1
STANDBY = 1.0
CLAIM = timedelta(seconds=30)
"""For so long nobody else acts on an intent; it is also how long a failed one rests."""


class Intent(Protocol):
    """An aggregate that wants something done outside: `due_at` says from when, None that nothing is to be done."""

    id: UUID
    version: int
    due_at: datetime | None
    correlation: str | None


class OutboundAction(Protocol):
    """What a service does outside about its due intents."""

    @property
    def kind(self) -> type[Any]:
        """The class of the intents; its table has a column `due_at`."""
        ...

    @property
    def only(self) -> tuple[str, str] | None:
        """A column and the value that it has to have, when other actions treat the rest of the class."""
        ...

    @property
    def at_once(self) -> int:
        """How many intents it acts on at the same time, at most."""
        ...

    async def perform(self, intent: Any, now: datetime) -> Any:
        """Act on it, and return what came of it. The intent is only to be read."""
        ...

    def record(self, intent: Any, result: Any, now: datetime) -> None:
        """Tell the intent what came of it: afterwards it is no longer due, or due later."""
        ...


@dataclass(frozen=True, slots=True)
class _Performed:
    """What came of an action, on its way to the intent."""

    intent_id: UUID
    claimed_until: datetime | None
    result: Any


class OutboundActions:
    """The loops that perform the outbound actions of one service, one each."""

    def __init__(
        self,
        service: str,
        actions: Sequence[OutboundAction],
        store: PostgresStore,
        executor: Executor,
        metrics: Metrics,
        health: Health,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._service = service
        self._actions = actions
        self._store = store
        self._executor = executor
        self._metrics = metrics
        self._health = health
        self._now = now
        for action in actions:
            health.expect(_part(action))

    async def run(self, stop: asyncio.Event) -> None:
        """Perform what is due until told to stop."""
        async with asyncio.TaskGroup() as loops:
            for action in self._actions:
                loops.create_task(self._perform_until(stop, action))

    async def _perform_until(self, stop: asyncio.Event, action: OutboundAction) -> None:
        while not stop.is_set():
            rest = await self._try(action)
            with suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await stop.wait()

    async def _try(self, action: OutboundAction) -> float:
        """Perform one batch of an action; returns how many seconds to rest."""
        try:
            done = await self.perform_due(action)
        except MISSING_DEPENDENCY as error:
            self._health.lost(_part(action))
            log.warning("outbound action waits", action=_part(action), error=type(error).__name__)
            return STANDBY
        self._health.progress(_part(action))
        return 0 if done else POLL

    async def perform_due(self, action: OutboundAction) -> int:
        """Perform one batch of an action; returns the number of intents that were acted on."""
        now = self._now()
        intents = await self._claim(action, now)
        results = await asyncio.gather(
            *(self._perform(action, intent, now) for intent in intents), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results.count(True)

    async def _claim(self, action: OutboundAction, now: datetime) -> list[Intent]:
        async with self._store.transaction() as transaction:
            ids = await transaction.claim_due(action.kind, now, now + CLAIM, action.at_once, action.only)
            plan = LoadPlan()
            plan.ids[action.kind] = set(ids)
            claimed = await transaction.load(plan)
        return [claimed.get(action.kind, id_) for id_ in ids]

    async def _perform(self, action: OutboundAction, intent: Intent, now: datetime) -> bool:
        """Act on one intent and record it. What goes wrong with one does not touch the others."""
        try:
            result = await action.perform(intent, now)
            await self._executor.run([self._message(action, intent, result, now)])
        except MISSING_DEPENDENCY:
            raise
        except Exception as error:
            name = action.kind.__name__
            log.error("outbound action failed", action=name, intent=str(intent.id), error=type(error).__name__)
            return False
        self._health.progress(_part(action))
        self._metrics.outbound_actions.labels(self._service, action.kind.__name__).inc()
        return True

    def _message(self, action: OutboundAction, intent: Intent, result: Any, now: datetime) -> Message:
        """The result, as a message whose handler tells it to the intent."""

        def record(performed: _Performed, uow: UnitOfWork, _: MessageContext) -> None:
            current = uow.get(action.kind, performed.intent_id)
            # Otherwise the claim had run out, and somebody else acted on the intent too.
            if current.due_at == performed.claimed_until:
                action.record(current, performed.result, now)

        # The cause is the intent itself, so that doing it twice publishes the same event twice, not two events.
        context = MessageContext(
            id=str(intent.id),
            source=f"/services/{self._service}/outbound-action",
            type=action.kind.__name__,
            time=now,
            correlation=intent.correlation,
        )
        handler = Handler(_Performed, {action.kind: ("intent_id",)}, record, "record")
        return Message(_Performed(intent.id, intent.due_at, result), handler, context)


def _part(action: OutboundAction) -> str:
    """What health calls it."""
    return " ".join(("outbound action", action.kind.__name__, *(action.only or ())))
