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
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import structlog

from chassis.execution import Executor, Message
from chassis.failures import GaveUp, RetryPolicy, SetAside, cause_of, explain, retried
from chassis.handling import Handler, MessageContext
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.persistence.store import PostgresStore
from chassis.unit_of_work import LoadPlan, UnitOfWork

log = structlog.get_logger("outbound_actions")

POLL = 0.1
STANDBY = 1.0
CLAIM = timedelta(seconds=30)
"""For so long nobody else acts on an intent. While this process does, the claim is renewed."""
RENEW_EVERY = 10.0
"""Seconds."""


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

    def record_error(self, intent: Any, now: datetime) -> None:
        """`perform` raised an error: count the attempt, so that the intent ends at last."""
        ...


@dataclass(slots=True)
class _Claim:
    """Intents that this process acts on. `due_at` of each is the end of the claim, which others see too."""

    kind: type[Any]
    pending: set[UUID]
    ends: list[datetime]
    """How far it reaches, the latest last. One that is being renewed may still be stored with the end before."""


@dataclass(frozen=True, slots=True)
class _Performed:
    """What came of an action, on its way to the intent; an Exception when it did not even come to an attempt."""

    intent_id: UUID
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
        except Exception as error:
            # Whatever it is: what is due stays due, and the next round tries again.
            self._health.lost(_part(action))
            log.warning("outbound action waits", action=_part(action), error=explain(error))
            return STANDBY
        self._health.progress(_part(action))
        return 0 if done else POLL

    async def perform_due(self, action: OutboundAction) -> int:
        """Perform one batch of an action; returns the number of intents that were acted on."""
        now = self._now()
        intents, claim = await self._claim(action, now)
        renewing = asyncio.create_task(self._keep_claim(claim))
        try:
            results = await asyncio.gather(
                *(self._perform(action, intent, claim, now) for intent in intents), return_exceptions=True
            )
        finally:
            renewing.cancel()
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(results)

    async def _claim(self, action: OutboundAction, now: datetime) -> tuple[list[Intent], _Claim]:
        until = now + CLAIM
        async with self._store.transaction() as transaction:
            ids = await transaction.claim_due(action.kind, now, until, action.at_once, action.only)
            plan = LoadPlan()
            plan.ids[action.kind] = set(ids)
            claimed = await transaction.load(plan)
        return [claimed.get(action.kind, id_) for id_ in ids], _Claim(action.kind, set(ids), [until])

    async def _keep_claim(self, claim: _Claim) -> None:
        """Renew it, until everything that it covers is recorded."""
        while claim.pending:
            await asyncio.sleep(RENEW_EVERY)
            before, until = claim.ends[-1], self._now() + CLAIM
            claim.ends.append(until)
            try:
                async with self._store.transaction() as transaction:
                    await transaction.renew_claim(claim.kind, claim.pending, before, until)
            except Exception as error:
                log.warning("claim not renewed", action=claim.kind.__name__, error=explain(error))

    async def _perform(self, action: OutboundAction, intent: Intent, claim: _Claim, now: datetime) -> None:
        """Act on one intent and record it. What goes wrong with one does not touch the others."""
        result: Any
        try:
            result = await action.perform(intent, now)
        except Exception as error:
            name = action.kind.__name__
            log.error("outbound action failed", action=name, intent=str(intent.id), error=explain(error))
            result = error
        await self._record(partial(self._message, action, intent, claim, now), result)
        claim.pending.discard(intent.id)
        self._health.progress(_part(action))
        self._metrics.outbound_actions.labels(self._service, action.kind.__name__).inc()

    async def _record(self, message: Callable[[Any], Message], result: Any) -> None:
        """Record the result; if that is refused for this intent alone, count it as an attempt that failed."""
        try:
            await retried(partial(self._executor.run, [message(result)]), RetryPolicy())
        except GaveUp as gave_up:
            error = cause_of(gave_up.error)
            if isinstance(result, Exception) or not isinstance(gave_up.decision, SetAside):
                raise error from None
            log.error("result cannot be recorded", error=explain(error))
            await self._record(message, error)

    def _message(self, action: OutboundAction, intent: Intent, claim: _Claim, now: datetime, result: Any) -> Message:
        """The result, as a message whose handler tells it to the intent."""

        def record(performed: _Performed, uow: UnitOfWork, _: MessageContext) -> None:
            current = uow.get(action.kind, performed.intent_id)
            # Otherwise the claim had run out, and another process acted on the intent too.
            if current.due_at not in claim.ends:
                return
            if isinstance(performed.result, Exception):
                action.record_error(current, now)
            else:
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
        return Message(_Performed(intent.id, result), handler, context)


def _part(action: OutboundAction) -> str:
    """What health calls it."""
    return " ".join(("outbound action", action.kind.__name__, *(action.only or ())))
