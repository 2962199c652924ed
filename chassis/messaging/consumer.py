"""Fetches batches, hands them to the pipeline and commits their offsets: the only way to subscribe in this project."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, ConsumerStoppedError, IllegalStateError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from chassis.crash_points import crash_point
from chassis.messaging.failures import Halted
from chassis.messaging.fetch import Fetching
from chassis.messaging.login import Login, broker_security
from chassis.messaging.pipeline import Paused, Pipeline
from chassis.messaging.record import Record
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics

log = structlog.get_logger("consumer")

Offsets = dict[TopicPartition, int]
COMMITTED_WITHIN = 5.0
"""Seconds that the last commit of a process has."""
COMMIT_WITHIN = 0.2
"""Seconds. After a crash so much comes again, for the inbox to drop; and a small batch does not cost a commit."""


class Drain(ConsumerRebalanceListener):  # type: ignore[misc]
    """Lets the running batch finish before its partitions go to somebody else, who gets what was fetched ahead."""

    def __init__(self, fetching: Fetching, committed: Callable[[], Awaitable[None]]) -> None:
        self.lock = asyncio.Lock()
        self._fetching = fetching
        self._committed = committed

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Wait for the batch."""
        async with self.lock:
            self._fetching.give_up()
            await self._committed()
            log.info("partitions revoked", number=len(revoked))

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Nothing to prepare: the offsets are Kafka's, the truth is the inbox."""
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
        self._pipeline = pipeline
        self._metrics = metrics
        self._health = health
        self._halt = halt
        self._over = False
        """Halted or stopping: nothing more is handled."""
        self._next: Offsets = {}
        """Per partition the first offset that is not decided."""
        self._fetching = Fetching(batch_size, pipeline.receive, self._committed)
        self._uncommitted: Offsets = {}
        self._committing: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._drain = Drain(self._fetching, self._committed)
        # Log None: what goes wrong is in our own lines; allow_auto_create: topics are made by a command.
        # A list: FastStream takes a string with commas for one very long host name.
        self.broker = KafkaBroker(
            bootstrap_servers.split(","),
            client_id=f"duaal-{service}",
            allow_auto_create_topics=False,
            logger=None,
            security=broker_security(login),
        )
        subscribe(
            self.broker,
            topics,
            f"duaal.{service}",
            self._fetch,
            self._consume,
            self._drain,
            session_timeout=session_timeout,
            poll_interval=poll_interval,
        )
        health.expect("consumer")

    async def start(self) -> None:
        """Join the group; comes back when partitions are assigned."""
        await self.broker.start()
        self._health.progress("consumer")

    async def stop(self) -> None:
        """Finish the batch, commit it, leave the group."""
        async with self._drain.lock:
            self._over = True
            crash_point("during graceful shutdown")
            # Without Kafka it would wait for ever; then the batch comes again, and the inbox drops it.
            with suppress(TimeoutError):
                async with asyncio.timeout(COMMITTED_WITHIN):
                    await self._committed()
        await self.broker.stop()
        await self._fetching.stop()

    async def _fetch(self, consumer: Any) -> Sequence[Record]:
        """Never raises, but to end: FastStream would hide it, and some errors it would repeat without a pause."""
        try:
            batch = await self._fetching.next(consumer)
        except ConsumerStoppedError:
            raise
        except Exception as error:
            self._health.lost("consumer")
            log.warning("cannot fetch", error=type(error).__name__)
            await asyncio.sleep(1)
            return ()
        self._health.progress("consumer")
        return batch.records

    async def _consume(self, body: object) -> None:  # noqa: ARG002 - FastStream decides what it passes
        message: KafkaMessage = self.broker.context.get_local("message")
        async with self._drain.lock:
            await self._consume_batch(message)

    async def _consume_batch(self, message: Any) -> None:
        """Never raises: FastStream would commit what was not handled."""
        records, received = self._fetching.undecided
        # Nothing: the partitions went to somebody else while it waited for its turn.
        if self._over or not records:
            return
        crash_point("after receive")
        try:
            await self._pipeline.process(records, received, meanwhile=self._fetching.look_ahead)
        except Paused as pause:
            self._health.lost("dependency")
            self._metrics.pauses.labels(self._service).inc()
            log.warning("paused", seconds=pause.after, cause=type(pause.__cause__).__name__)
            await asyncio.sleep(pause.after)
            self._go_back(message.consumer)
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
            self._go_back(message.consumer)
            return
        crash_point("before offset commit")
        self._fetching.decided()
        # Explicit offsets: `ack()` would commit the position of every partition, handled or not.
        offsets = _after(records)
        self._uncommitted |= offsets
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_soon(message.consumer))
        self._health.found("dependency")
        self._progress(message.consumer, offsets)

    def _go_back(self, consumer: Any) -> None:
        """In every partition to the first record that is not decided."""
        first: dict[TopicPartition, int] = {}
        for one in self._fetching.give_up():
            first.setdefault(TopicPartition(one.topic, one.partition), one.offset)
        try:
            for partition, offset in first.items():
                consumer.seek(partition, offset)
        except IllegalStateError as error:
            log.info("partitions moved while paused", error=type(error).__name__)

    async def _commit_soon(self, consumer: Any) -> None:
        """Several small batches in one commit, while the next one is handled."""
        while self._uncommitted:
            with suppress(TimeoutError):
                async with asyncio.timeout(COMMIT_WITHIN):
                    await self._hurry.wait()
            await self._commit(consumer)

    async def _committed(self) -> None:
        """Wait until Kafka has the offsets of all that is decided."""
        if self._committing:
            self._hurry.set()
            try:
                await asyncio.shield(self._committing)
            finally:
                self._hurry.clear()

    async def _commit(self, consumer: Any) -> None:
        offsets, self._uncommitted = self._uncommitted, {}
        try:
            await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError):
            # The group gave the partition to somebody else; the inbox absorbs the second delivery.
            self._metrics.commit_refused.labels(self._service).inc()
        except Exception as error:
            log.warning("commit failed, the records will come again", error=type(error).__name__)

    def _progress(self, consumer: Any, offsets: Offsets) -> None:
        self._health.progress("consumer")
        self._metrics.last_progress.labels(self._service).set_to_current_time()
        self._next |= offsets
        lag: Counter[str] = Counter()
        for partition in consumer.assignment() & self._next.keys():
            lag[partition.topic] += max(0, (consumer.highwater(partition) or 0) - self._next[partition])
        for topic, records in lag.items():
            self._metrics.consumer_lag.labels(self._service, topic).set(records)


def subscribe(
    broker: KafkaBroker,
    topics: Sequence[str],
    group: str,
    fetch: Callable[[Any], Awaitable[Sequence[Record]]],
    handle: Callable[[object], Awaitable[None]],
    drain: Drain,
    *,
    session_timeout: float,
    poll_interval: float,
) -> None:
    """Subscribe with every setting that FastStream's defaults would make lose or repeat records."""
    subscriber = broker.subscriber(
        *topics,
        group_id=group,
        batch=True,
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        no_reply=True,
        parser=_parse,
        decoder=_decode,
        listener=drain,
        session_timeout_ms=int(session_timeout * 1000),
        heartbeat_interval_ms=int(session_timeout * 1000 / 4),
        max_poll_interval_ms=int(poll_interval * 1000),
        rebalance_timeout_ms=60_000,
    )
    # FastStream's own fetch loses the neighbours of a record that cannot be read.
    vars(subscriber)["get_msg"] = fetch
    subscriber(handle)


def _after(records: Sequence[Record]) -> Offsets:
    """Per partition the offset that comes next."""
    after = {(one.topic, one.partition): one.offset + 1 for one in records}
    return {TopicPartition(*place): offset for place, offset in after.items()}


async def _parse(batch: Sequence[Record], original: Callable[[Any], Awaitable[Any]]) -> Any:
    """What FastStream wants to see is made of one record without headers; the batch goes along untouched.

    Its own parser reads every header of every record, for nobody, and loses a batch over one that it cannot read.
    """
    one = batch[0]
    record = ConsumerRecord(one.topic, one.partition, one.offset, 0, 0, None, None, None, 0, 0, ())
    parsed = await original((record,))
    parsed.raw_message = batch
    return parsed


async def _decode(message: Any) -> Any:
    """Decodes nothing: the pipeline does, record by record."""
    return message.body
