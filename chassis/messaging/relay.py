"""Publishes the outbox, oldest first, and deletes a row when every replica of Kafka has its record.

Timers that are due are moved to the outbox first, among them the firings of schedules.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from aiokafka.errors import KafkaError

from chassis.crash_points import crash_point
from chassis.failures import explain
from chassis.messaging.direct_publisher import DirectPublisher
from chassis.messaging.producer import ACKNOWLEDGED_WITHIN, Producer, error_of
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.outbox_records import OutboxRecord
from chassis.persistence.outbox import Hold, Outbox, Unpublished
from chassis.persistence.timers import WaitingTimer

log = structlog.get_logger("relay")

BATCH = 2000
SHORTEST_POLL, LONGEST_POLL = 0.02, 0.5
TIMERS_EVERY = 0.5
"""Seconds between two queries for due timers, so that a busy relay does not query in every round."""
STANDBY = 1.0
HOLD = 5.0
"""Seconds, on average, for which a key whose send failed is left alone, so that it does not stop the others.

Varied at random: keys that failed together because they shared a batch must come back at different times, or the one
that is at fault would fail the others for ever.
"""
DRAIN = timedelta(seconds=5)


class Lead(Protocol):
    """The right to publish, which one process has at a time."""

    async def outbox(self) -> Outbox | None:
        """The outbox, for who leads; None while another process does."""
        ...

    async def set_timers(self, timers: Sequence[WaitingTimer]) -> None:
        """For who leads: fire these when they are due."""
        ...

    async def fire_timers(self, now: datetime, limit: int) -> int:
        """For who leads: move due timers to the outbox; returns how many that were."""
        ...

    async def release(self) -> None:
        """Let another process lead."""
        ...


NextFirings = Callable[[datetime], Sequence[WaitingTimer]]
"""The firings of schedules that come next after a moment."""


def no_firings(_: datetime) -> Sequence[WaitingTimer]:
    """Those of a service without schedules."""
    return ()


class Relay:
    """Publishes the outbox of one service, while it is the leader."""

    def __init__(
        self,
        service: str,
        lead: Lead,
        connect: Callable[[], Awaitable[Producer]],
        metrics: Metrics,
        health: Health,
        *,
        now: Callable[[], datetime],
        next_firings: NextFirings = no_firings,
        hold: float = HOLD,
    ) -> None:
        self._service = service
        self._lead = lead
        self._connect = connect
        self._metrics = metrics
        self._health = health
        self._now = now
        self._next_firings = next_firings
        self._hold_for = hold
        self._producer: Producer | None = None
        self._awake = asyncio.Event()
        self._timers_at = 0.0
        self._more = False
        """The last round left something, or may have: the next follows without waiting to be woken."""
        self.publisher = DirectPublisher(self.wake, self._count)
        health.expect("relay")

    def wake(self) -> None:
        """There is something new in the outbox."""
        self._awake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until told to stop, then what is left."""
        poll = SHORTEST_POLL
        while not stop.is_set():
            published = await self._try_round()
            if published is None:
                await self._rest(STANDBY)
            elif not (published and self._more):
                poll = SHORTEST_POLL if published else poll
                await self._rest(poll)
                poll = min(LONGEST_POLL, poll * 2)
        await self._drain()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            pass
        # Cleared after the wait, not before: whoever woke us during the round has not been served yet.
        self._awake.clear()

    async def _drain(self) -> None:
        crash_point("during graceful shutdown")
        await self.publisher.drain(DRAIN.total_seconds())
        deadline = self._now() + DRAIN
        while self._now() < deadline and await self._try_round():
            pass
        await self._drop_producer()
        await self._lead.release()

    async def _try_round(self) -> int | None:
        """How many were published; None when another process leads or something is down."""
        try:
            outbox = await self._lead.outbox()
            self._metrics.relay_is_leader.labels(self._service).set(outbox is not None)
            self._health.progress("relay")
            if outbox is None:
                self.publisher.close()
                return None
            await self._fire_timers()
            return await self.round(outbox)
        except Exception as error:
            # Whatever it is: the rows stay in the outbox, and the next round tries again.
            self._health.lost("relay")
            self._metrics.relay_is_leader.labels(self._service).set(0)
            log.warning("relay waits", error=explain(error))
            await self._drop_producer()
            return None

    async def _fire_timers(self) -> None:
        clock = asyncio.get_running_loop().time()
        if clock < self._timers_at:
            return
        now = self._now()
        # First, and at the same moment: what fires next must be kept before what fires now is gone. Every time, because
        # PostgreSQL may have forgotten it in a crash.
        if firings := self._next_firings(now):
            await self._lead.set_timers(firings)
        if await self._lead.fire_timers(now, BATCH) < BATCH:
            self._timers_at = clock + TIMERS_EVERY

    async def round(self, outbox: Outbox) -> int:
        """Publish one batch; the answer is the number of records that the broker acknowledged."""
        found = await self._unpublished(outbox)
        if self.publisher.broken:
            self._metrics.publish_failures.labels(self._service).inc()
            await self._drop_producer()
        batch = self.publisher.left_to_the_relay(found)
        self._more = len(found) == BATCH
        if not batch:
            return 0
        acknowledged, holds = await self._send(batch)
        self._more |= len(acknowledged) < len(batch) and not holds
        if acknowledged:
            crash_point("relay before delete")
            await outbox.published([one.position for one in acknowledged])
        self._count([one.record for one in acknowledged])
        if holds:
            self._metrics.publish_failures.labels(self._service).inc()
            await outbox.hold(holds)
            await self._drop_producer()
        return len(acknowledged)

    async def _unpublished(self, outbox: Outbox) -> list[Unpublished]:
        """The oldest rows. Those whose records were published directly, and acknowledged, are deleted first."""
        acknowledged = self.publisher.acknowledged
        if acknowledged:
            crash_point("relay before delete")
        found = await outbox.unpublished(BATCH, self._now(), acknowledged)
        self.publisher.deleted(acknowledged)
        return found

    def _count(self, records: Sequence[OutboxRecord]) -> None:
        for topic, number in Counter(record.topic for record in records).items():
            self._metrics.published.labels(self._service, topic).inc(number)

    async def _send(self, batch: Sequence[Unpublished]) -> tuple[list[Unpublished], list[Hold]]:
        """What the broker has, and of every key that failed its first record."""
        if self._producer is None:
            self._producer = await self._connect()
        self.publisher.open(self._producer)
        answers = await self._producer.send([one.record for one in batch])
        crash_point("relay after send")
        sent = {answer for answer in answers if answer}
        await asyncio.wait(sent, timeout=ACKNOWLEDGED_WITHIN)
        errors = {answer: error for answer in sent if (error := error_of(answer))}
        acknowledged = []
        holds: dict[UUID, Hold] = {}
        for one, answer in zip(batch, answers, strict=True):
            if answer in errors:
                holds.setdefault(one.record.aggregate_id, self._hold(one, errors[answer]))
            elif answer:
                acknowledged.append(one)
        return acknowledged, list(holds.values())

    def _hold(self, one: Unpublished, error: BaseException) -> Hold:
        rest = timedelta(seconds=self._hold_for * (0.5 + random.random()))
        return Hold(one.position, self._now() + rest, type(error).__name__)

    async def _drop_producer(self) -> None:
        self.publisher.close()
        producer, self._producer = self._producer, None
        if producer:
            try:
                async with asyncio.timeout(ACKNOWLEDGED_WITHIN):
                    await producer.stop()
            except (TimeoutError, KafkaError, OSError) as error:
                log.warning("producer did not stop cleanly", error=type(error).__name__)
        await self.publisher.cancel()
