"""Keeps the outbox's promises: publishes what is there, oldest first, and forgets it when the broker has it."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from chassis.crash_points import crash_point
from chassis.messaging.failures import MISSING_DEPENDENCY
from chassis.messaging.outbox import Unpublished
from chassis.messaging.producer import Producer
from chassis.messaging.store import Store
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.persistence.leader import Leadership

log = structlog.get_logger("relay")

BATCH = 1000
SHORTEST_POLL, LONGEST_POLL = 0.02, 0.5
STANDBY = 1.0
HOLD = 5.0
"""Seconds, about, that a key whose send failed is left alone, so that it does not stop the others.

About: keys that fail together because they share a partition have to come back apart, or none of them ever gets past
the one that is at fault.
"""
NO_SUCH_TOPIC = (UnknownTopicOrPartitionError, TopicAuthorizationFailedError)
ACKNOWLEDGED_WITHIN = 30.0
"""Seconds after which a send has an unknown outcome: send again, consumers drop what they had."""
DRAIN = 5.0


class Relay:
    """Publishes the outbox of one service, while it is the leader."""

    def __init__(
        self,
        service: str,
        store: Store,
        leadership: Leadership,
        connect: Callable[[], Awaitable[Producer]],
        metrics: Metrics,
        health: Health,
        *,
        hold: float = HOLD,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._hold_for = hold
        self._clock = clock
        self._store = store
        self._leadership = leadership
        self._connect = connect
        self._metrics = metrics
        self._health = health
        self._producer: Producer | None = None
        self._held: dict[UUID, float] = {}
        self._awake = asyncio.Event()
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
            elif published:
                poll = SHORTEST_POLL
            else:
                await self._rest(poll)
                poll = min(LONGEST_POLL, poll * 2)
        await self._drain()

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._awake.wait()
        except TimeoutError:
            pass
        # Afterwards: who woke us during the round has not been served yet.
        self._awake.clear()

    async def _drain(self) -> None:
        crash_point("during graceful shutdown")
        deadline = self._clock() + DRAIN
        while self._clock() < deadline and await self._try_round():
            pass
        await self._drop_producer()
        await self._leadership.release()

    async def _try_round(self) -> int | None:
        """How many were published; None when another process leads or something is down."""
        try:
            leads = await self._leadership.acquire()
            self._metrics.relay_is_leader.labels(self._service).set(leads)
            self._health.progress("relay")
            return await self.round() if leads else None
        except (*MISSING_DEPENDENCY, KafkaError) as error:
            self._health.lost("relay")
            self._metrics.relay_is_leader.labels(self._service).set(0)
            log.warning("relay waits", error=type(error).__name__)
            await self._drop_producer()
            return None

    async def round(self) -> int:
        """Publish one batch; the answer is the number of records that the broker acknowledged."""
        now = self._clock()
        self._held = {key: until for key, until in self._held.items() if until > now}
        async with self._store.transaction() as transaction:
            batch = await transaction.outbox.unpublished(BATCH, self._held)
        if not batch:
            return 0
        acknowledged = await self._send(batch)
        if acknowledged:
            crash_point("relay before delete")
            async with self._store.transaction() as transaction:
                await transaction.outbox.published([one.position for one in acknowledged])
        for topic, number in Counter(one.record.topic for one in acknowledged).items():
            self._metrics.published.labels(self._service, topic).inc(number)
        if len(acknowledged) < len(batch):
            self._metrics.publish_failures.labels(self._service).inc()
            await self._drop_producer()
        return len(acknowledged)

    async def _send(self, batch: list[Unpublished]) -> list[Unpublished]:
        failed: set[UUID] = set()
        sent = await self._queue(batch, failed)
        if sent:
            crash_point("relay after send")
            await asyncio.wait([future for _, future in sent], timeout=ACKNOWLEDGED_WITHIN)
        acknowledged = []
        for one, future in sent:
            if future.done() and not future.cancelled() and future.exception() is None:
                acknowledged.append(one)
            else:
                resolved = future.done() and not future.cancelled()
                self._hold(one, future.exception() if resolved else TimeoutError(), failed)
        return acknowledged

    async def _queue(
        self, batch: list[Unpublished], failed: set[UUID]
    ) -> list[tuple[Unpublished, asyncio.Future[object]]]:
        """Hand the batch to the producer, but nothing behind a record of the same key that it did not take."""
        if self._producer is None:
            self._producer = await self._connect()
        sent: list[tuple[Unpublished, asyncio.Future[object]]] = []
        no_topic: dict[str, KafkaError] = {}
        for one in batch:
            if one.record.aggregate_id in failed:
                continue
            try:
                if error := no_topic.get(one.record.topic):
                    raise error
                sent.append((one, asyncio.ensure_future(await self._producer.send(one.record))))
            except (KafkaError, ValueError) as error:
                if isinstance(error, NO_SUCH_TOPIC):
                    # It takes aiokafka most of a minute to say so: ask once per round, not once per key.
                    no_topic[one.record.topic] = error
                self._hold(one, error, failed)
        return sent

    def _hold(self, one: Unpublished, error: BaseException | None, failed: set[UUID]) -> None:
        failed.add(one.record.aggregate_id)
        self._held[one.record.aggregate_id] = self._clock() + self._hold_for * (0.5 + random.random())
        log.warning("send failed", topic=one.record.topic, position=one.position, error=type(error).__name__)

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer:
            try:
                async with asyncio.timeout(ACKNOWLEDGED_WITHIN):
                    await producer.stop()
            except (TimeoutError, KafkaError, OSError) as error:
                log.warning("producer did not stop cleanly", error=type(error).__name__)
