"""Actions outside the database: first the intent is committed, then this loop acts on it and records what came of it.

An intent is claimed before it is acted on, so that several processes can share the work. A crash between the action
and its record repeats the action when the claim has run out, with the intent's id as idempotency key.

Steps do not wait for each other: one whose other side is slow or down holds nobody up but itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog

from chassis.handling import MessageContext
from chassis.messaging.failures import MISSING_DEPENDENCY
from chassis.messaging.outbox import OutboxRecordFactory
from chassis.messaging.store import PostgresStore, keep
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.unit_of_work import LoadPlan, UnitOfWork

log = structlog.get_logger("second_step")

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
    """What a service does about its due intents."""

    @property
    def kind(self) -> type[Any]:
        """The class of the intents; its table has a column `due_at`."""
        ...

    @property
    def only(self) -> tuple[str, str] | None:
        """A column and the value that it has to have, when other steps act on the rest of the class."""
        ...

    @property
    def at_once(self) -> int:
        """How many intents it acts on at the same time, at most."""
        ...

    async def perform(self, intent: Any, now: datetime) -> None:
        """Act on it and tell it what happened: afterwards it is no longer due, or due later."""
        ...


class OutboundActions:
    """The loops that perform the second steps of one service, one each."""

    def __init__(
        self,
        service: str,
        steps: Sequence[OutboundAction],
        store: PostgresStore,
        metrics: Metrics,
        health: Health,
        *,
        now: Callable[[], datetime],
        wake: Callable[[], None],
    ) -> None:
        self._service = service
        self._steps = steps
        self._store = store
        self._metrics = metrics
        self._health = health
        self._now = now
        self._wake = wake
        self._promise = OutboxRecordFactory(service, now)
        for step in steps:
            health.expect(_part(step))

    async def run(self, stop: asyncio.Event) -> None:
        """Perform what is due until told to stop."""
        async with asyncio.TaskGroup() as loops:
            for step in self._steps:
                loops.create_task(self._perform_until(stop, step))

    async def _perform_until(self, stop: asyncio.Event, step: OutboundAction) -> None:
        while not stop.is_set():
            rest = await self._try(step)
            with suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await stop.wait()

    async def _try(self, step: OutboundAction) -> float:
        """Perform one batch of a step; the answer is how many seconds to rest."""
        try:
            done = await self.perform_due(step)
        except MISSING_DEPENDENCY as error:
            self._health.lost(_part(step))
            log.warning("second step waits", step=_part(step), error=type(error).__name__)
            return STANDBY
        self._health.progress(_part(step))
        return 0 if done else POLL

    async def perform_due(self, step: OutboundAction) -> int:
        """Perform one batch of a step; the answer is the number of intents that were acted on."""
        now = self._now()
        async with self._store.transaction() as transaction:
            ids = await transaction.claim_due(step.kind, now, now + CLAIM, step.at_once, step.only)
            plan = LoadPlan()
            plan.ids[step.kind] = set(ids)
            claimed = await transaction.load(plan)
        intents = [claimed.get(step.kind, id_) for id_ in ids]
        results = await asyncio.gather(
            *(self._perform(step, intent, now) for intent in intents), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return results.count(True)

    async def _perform(self, step: OutboundAction, intent: Intent, now: datetime) -> bool:
        """Act on one intent and record it. What goes wrong with one does not touch the others."""
        plan = LoadPlan()
        plan.ids[step.kind] = {intent.id}
        unit_of_work = UnitOfWork()
        unit_of_work.put(step.kind, [intent], plan)
        try:
            await step.perform(unit_of_work.get(step.kind, intent.id), now)
            await self._record(step, intent, unit_of_work, now)
        except MISSING_DEPENDENCY:
            raise
        except Exception as error:
            log.error("second step failed", step=step.kind.__name__, intent=str(intent.id), error=type(error).__name__)
            return False
        self._health.progress(_part(step))
        self._metrics.outbound_actions.labels(self._service, step.kind.__name__).inc()
        return True

    async def _record(self, step: OutboundAction, intent: Intent, unit_of_work: UnitOfWork, now: datetime) -> None:
        # The cause is the intent itself, so that doing it twice leaves the same fact twice, not two facts.
        unit_of_work.collect_events(
            MessageContext(
                id=str(intent.id),
                source=f"/services/{self._service}/second-step",
                type=step.kind.__name__,
                time=now,
                correlation=intent.correlation,
            )
        )
        async with self._store.transaction() as transaction:
            await keep(unit_of_work, transaction, self._promise)
        self._wake()


def _part(step: OutboundAction) -> str:
    """What health calls it."""
    return " ".join(("second step", step.kind.__name__, *(step.only or ())))
