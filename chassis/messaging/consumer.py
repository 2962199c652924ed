"""The consumer group of a service: hands batches to the pipeline, and commits their offsets when they are decided."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    ConsumerStoppedError,
    IllegalStateError,
    KafkaError,
    UnknownTopicOrPartitionError,
)

from chassis.crash_points import crash_point
from chassis.login import Login
from chassis.messaging.dead_letter_limit import Halted
from chassis.messaging.fetch import Fetcher
from chassis.messaging.groups import group_of
from chassis.messaging.pipeline import Delivery, Paused, Pipeline
from chassis.messaging.subscriber import RecordBroker
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics

log = structlog.get_logger("consumer")

Offsets = dict[TopicPartition, int]
COMMIT_WITHIN = 5.0
"""Seconds that a commit of offsets has. What it leaves uncommitted is delivered again, and the inbox drops it."""
COMMIT_EVERY = 0.2
"""Seconds between two commits of offsets. After a crash so much is delivered again, and dropped by the inbox."""
LAG_EVERY = 5.0
LAG_WITHIN = 4.0
POSITION_WITHIN = 0.2
FETCH_AHEAD_AFTER = 0.012
"""Seconds from the beginning of a batch until the next one is fetched and read: by then PostgreSQL works on the first
statements, and this process would only wait (figures in decision 25)."""


class DrainOnRevoke(ConsumerRebalanceListener):  # type: ignore[misc]
    """Before partitions go to another process, the running batch is finished and what was fetched ahead is given up."""

    def __init__(
        self,
        fetcher: Fetcher,
        committed: Callable[[], Awaitable[None]],
        revoked: Callable[[Sequence[TopicPartition]], None],
    ) -> None:
        self.lock = asyncio.Lock()
        self._fetcher = fetcher
        self._committed = committed
        self._revoked = revoked

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Wait for the batch."""
        async with self.lock:
            await self._committed()
            # Without a wait in between: the position is past what is given up, and must not be taken for decided.
            self._fetcher.give_up()
            self._revoked(revoked)
            log.info("partitions revoked", number=len(revoked))

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Nothing to prepare: where to begin is in Kafka, what was handled is in the inbox."""
        log.info("partitions assigned", number=len(assigned))


class Consumer:
    """The group of one service on the topics of its manifests."""

    def __init__(
        self,
        service: str,
        topics: Sequence[str],
        bootstrap_servers: str,
        pipeline: Pipeline,
        metrics: Metrics,
        health: Health,
        *,
        batch_size: int,
        session_timeout: float,
        poll_interval: float,
        halt: Callable[[Halted], None],
        login: Login | None = None,
    ) -> None:
        self._service = service
        self._topics = topics
        self._pipeline = pipeline
        self._metrics = metrics
        self._health = health
        self._halt = halt
        self._over = False
        """Halted or stopping: nothing more is handled."""
        self._next: Offsets = {}
        """Per partition the first offset that is not decided."""
        self._fetcher = Fetcher(batch_size, pipeline.receive, self._committed)
        self._consumer: AIOKafkaConsumer | None = None
        self._uncommitted: Offsets = {}
        self._committing: asyncio.Task[None] | None = None
        self._commit_now = asyncio.Event()
        self._drain = DrainOnRevoke(self._fetcher, self._committed, self._forget)
        self.broker = RecordBroker(bootstrap_servers, f"duaal-{service}", login)
        self.broker.subscribe(
            topics,
            group_of(service),
            self._fetch,
            self._consume,
            self._drain,
            session_timeout=session_timeout,
            poll_interval=poll_interval,
        )
        health.expect("consumer")

    @property
    def _joined(self) -> AIOKafkaConsumer:
        """The consumer that fetched last."""
        assert self._consumer
        return self._consumer

    async def start(self) -> None:
        """Join the group; comes back when partitions are assigned."""
        await self.broker.start()
        self._health.progress("consumer")

    async def stop(self) -> None:
        """Finish the batch, commit it, leave the group."""
        async with self._drain.lock:
            self._over = True
            crash_point("during graceful shutdown")
            # Without Kafka it would wait for ever. Uncommitted records are delivered again, and the inbox drops them.
            with suppress(TimeoutError):
                async with asyncio.timeout(COMMIT_WITHIN):
                    await self._committed()
        await self.broker.stop()
        await self._fetcher.stop()

    async def _fetch(self, consumer: AIOKafkaConsumer) -> Sequence[Delivery]:
        """Raises only to end: FastStream hides other errors, and repeats some of them without a pause."""
        self._consumer = consumer
        try:
            deliveries = await self._fetcher.next(consumer)
        except ConsumerStoppedError:
            raise
        except Exception as error:
            self._health.lost("consumer")
            log.warning("cannot fetch", error=type(error).__name__)
            await asyncio.sleep(1)
            return ()
        self._health.progress("consumer")
        if not deliveries:
            await self._commit_position()
        return deliveries

    async def _consume(self, _: object) -> None:
        async with self._drain.lock:
            # Not what was passed: its partitions may have gone to another process while it waited for the lock.
            await self._consume_batch(self._fetcher.undecided)

    async def _consume_batch(self, deliveries: Sequence[Delivery]) -> None:
        """Never raises: FastStream would go on with the next batch."""
        if self._over or not deliveries:
            return
        self._health.begin("batch")
        try:
            await self._decide(deliveries)
        finally:
            self._health.end("batch")

    async def _decide(self, deliveries: Sequence[Delivery]) -> None:
        crash_point("after receive")
        try:
            await self._process(deliveries)
        except Paused as pause:
            self._health.lost("dependency")
            self._metrics.pauses.labels(self._service).inc()
            log.warning("paused", seconds=pause.after, cause=type(pause.__cause__).__name__)
            await asyncio.sleep(pause.after)
            self._go_back()
            self._health.progress("consumer")
            return
        except Halted as halted:
            self._over = True
            log.error("halted", reason=str(halted))
            self._halt(halted)
            return
        except Exception as error:
            log.error("batch failed", error=type(error).__name__, exc_info=True)
            await asyncio.sleep(1)
            self._go_back()
            return
        crash_point("before offset commit")
        self._fetcher.decided()
        # Explicit offsets, because `ack` would commit the position of every partition, handled or not.
        self._decided(_after(deliveries))
        self._health.found("dependency")
        self._health.progress("consumer")
        self._metrics.last_progress.labels(self._service).set_to_current_time()

    async def _process(self, deliveries: Sequence[Delivery]) -> None:
        """Handle them, and meanwhile fetch the next ones."""
        ahead = asyncio.get_running_loop().call_later(FETCH_AHEAD_AFTER, self._fetcher.fetch_ahead)
        try:
            await self._pipeline.process(deliveries)
        finally:
            ahead.cancel()  # never after the batch: what is fetched beside `next` comes out of order

    def _decided(self, offsets: Offsets) -> None:
        """Per partition, everything before this offset is decided."""
        self._next |= offsets
        self._uncommitted |= offsets
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_soon())

    async def _commit_position(self) -> None:
        """When there is nothing to hand out: the position goes past aborted transactions and their markers, too."""
        with suppress(TimeoutError, KafkaError):
            for partition in [*(self._joined.assignment() & self._next.keys())]:
                async with asyncio.timeout(POSITION_WITHIN):
                    position = await self._joined.position(partition)
                # Checked after the wait: what is fetched by now has moved the position, and is not decided.
                if self._fetcher.idle and position > self._next.get(partition, position):
                    self._decided({partition: position})

    def _go_back(self) -> None:
        """In every partition to the first record that is not decided."""
        first: dict[TopicPartition, int] = {}
        for one in self._fetcher.give_up():
            first.setdefault(TopicPartition(one.topic, one.partition), one.offset)
        try:
            for partition, offset in first.items():
                self._joined.seek(partition, offset)
        except IllegalStateError as error:
            log.info("partitions moved while paused", error=type(error).__name__)

    def _forget(self, revoked: Sequence[TopicPartition]) -> None:
        """Another process decides about these from now on."""
        for partition in revoked:
            self._next.pop(partition, None)

    async def _commit_soon(self) -> None:
        """Several small batches in one commit, while the next one is handled."""
        while self._uncommitted:
            with suppress(TimeoutError):
                async with asyncio.timeout(COMMIT_EVERY):
                    await self._commit_now.wait()
            await self._commit()

    async def _committed(self) -> None:
        """Wait until Kafka has the offsets of all that is decided."""
        if self._committing:
            self._commit_now.set()
            try:
                await asyncio.shield(self._committing)
            finally:
                self._commit_now.clear()

    async def _commit(self) -> None:
        offsets, self._uncommitted = self._uncommitted, {}
        try:
            # The client would ask for ever about a topic that was deleted, and no partition could be given back.
            async with asyncio.timeout(COMMIT_WITHIN):
                await self._joined.commit(offsets)
        except (CommitFailedError, IllegalStateError):
            # The partition went to another process; the inbox drops the second delivery.
            self._metrics.commit_refused.labels(self._service).inc()
        except Exception as error:
            log.warning("commit failed, the records will come again", error=type(error).__name__)

    async def watch_lag(self, stop: asyncio.Event) -> None:
        """Measure every few seconds how far behind the group is, whether or not anything is handled."""
        while not stop.is_set():
            try:
                async with asyncio.timeout(LAG_WITHIN):
                    await self._measure_lag()
            except Exception as error:
                # What cannot be measured is absent.
                self._metrics.consumer_lag.clear()
                self._health.lost("kafka")
                log.warning("cannot measure the lag", error=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(LAG_EVERY):
                    await stop.wait()

    async def _measure_lag(self) -> None:
        consumer = self._consumer
        if consumer is None:
            return  # it has not joined the group: the health says so
        if missing := [topic for topic in self._topics if not consumer.partitions_for_topic(topic)]:
            log.warning("topics are not there", topics=missing)
            raise UnknownTopicOrPartitionError
        partitions = consumer.assignment()
        ends = await consumer.end_offsets(partitions) if partitions else {}
        committed = {partition: await consumer.committed(partition) for partition in partitions - self._next.keys()}
        # Asked for all at once: each such question waits behind the fetch that goes on over the same connection.
        never = [partition for partition, offset in committed.items() if offset is None]
        beginnings = await consumer.beginning_offsets(never) if never else {}
        for partition, offset in committed.items():
            self._next.setdefault(partition, beginnings[partition] if offset is None else offset)
        lag = dict.fromkeys((partition.topic for partition in partitions), 0)
        for partition, end in ends.items():
            lag[partition.topic] += max(0, end - self._next[partition])
        for topic, records in lag.items():
            self._metrics.consumer_lag.labels(self._service, topic).set(records)
        self._health.found("kafka")


def _after(deliveries: Sequence[Delivery]) -> Offsets:
    """Per partition the offset that comes next."""
    after = {delivery.place: delivery.record.offset + 1 for delivery in deliveries}
    return {TopicPartition(*place): offset for place, offset in after.items()}
