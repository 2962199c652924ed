"""Actions outside the database: first the intent is committed, then this loop acts on it and records what came of it.

A crash between the action and its record repeats the action, with the same intent id as idempotency key.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import structlog

from chassis.handling import MessageContext
from chassis.messaging.failures import MISSING_DEPENDENCY
from chassis.messaging.outbox import Promise
from chassis.messaging.store import PostgresStore
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.persistence.leader import Leadership
from chassis.unit_of_work import UnitOfWork, Wanted

log = structlog.get_logger("second_step")

BATCH = 50
POLL = 0.1
STANDBY = 1.0


class Intent(Protocol):
    """An aggregate that wants something done outside: `due_at` says from when, None that nothing is to be done."""

    id: UUID
    due_at: datetime | None
    correlation: str | None


class SecondStep(Protocol):
    """What a service does about its due intents."""

    @property
    def kind(self) -> type[Any]:
        """The class of the intents; its table has a column `due_at`."""
        ...

    async def perform(self, intent: Any, now: datetime) -> None:
        """Act on it and tell it what happened: afterwards it is no longer due, or due later."""
        ...


class SecondSteps:
    """The loop that performs the second steps of one service, in one process at a time."""

    def __init__(
        self,
        service: str,
        steps: Sequence[SecondStep],
        store: PostgresStore,
        leadership: Leadership,
        metrics: Metrics,
        health: Health,
        *,
        now: Callable[[], datetime],
        wake: Callable[[], None],
    ) -> None:
        self._service = service
        self._steps = steps
        self._store = store
        self._leadership = leadership
        self._metrics = metrics
        self._health = health
        self._now = now
        self._wake = wake
        self._promise = Promise(service, now)
        health.expect("second_steps")

    async def run(self, stop: asyncio.Event) -> None:
        """Perform what is due until told to stop."""
        while not stop.is_set():
            rest = 0.0 if await self._try_all() else POLL
            try:
                async with asyncio.timeout(rest):
                    await stop.wait()
            except TimeoutError:
                pass
        await self._leadership.release()

    async def _try_all(self) -> int:
        try:
            if not await self._leadership.acquire():
                await asyncio.sleep(STANDBY)
                return 0
            self._health.progress("second_steps")
            return sum([await self.perform_due(step) for step in self._steps])
        except MISSING_DEPENDENCY as error:
            self._health.lost("second_steps")
            log.warning("second steps wait", error=type(error).__name__)
            await asyncio.sleep(STANDBY)
            return 0

    async def perform_due(self, step: SecondStep) -> int:
        """Perform one batch of a step; the answer is the number of intents."""
        now = self._now()
        wanted = Wanted()
        async with self._store.transaction() as transaction:
            ids = await transaction.due(step.kind, now, BATCH)
            wanted.ids[step.kind] = set(ids)
            unit_of_work = await transaction.load(wanted)
        if not ids:
            return 0
        results = await asyncio.gather(
            *(step.perform(unit_of_work.get(step.kind, id_), now) for id_ in ids), return_exceptions=True
        )
        failed = [type(result).__name__ for result in results if result is not None]
        if failed:
            log.error("second step failed", step=step.kind.__name__, number=len(failed), errors=sorted(set(failed)))
        await self._record(step, unit_of_work, ids, now)
        self._metrics.second_steps.labels(self._service, step.kind.__name__).inc(len(ids) - len(failed))
        return len(ids) - len(failed)

    async def _record(self, step: SecondStep, unit_of_work: UnitOfWork, ids: list[UUID], now: datetime) -> None:
        for id_ in ids:
            intent: Intent = unit_of_work.get(step.kind, id_)
            # The cause is the intent itself, so that doing it twice leaves the same fact twice, not two facts.
            unit_of_work.record_facts(
                MessageContext(
                    id=str(id_),
                    source=f"/services/{self._service}/second-step",
                    type=step.kind.__name__,
                    time=now,
                    correlation=intent.correlation,
                )
            )
        async with self._store.transaction() as transaction:
            await transaction.save(unit_of_work)
            if unit_of_work.recorded:
                await transaction.outbox.append([self._promise(recorded) for recorded in unit_of_work.recorded])
        self._wake()
