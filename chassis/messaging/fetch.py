"""Fetches records so that one which cannot be read costs none of its neighbours, and the next batch ahead of time.

aiokafka decodes header names while it hands out records. When that fails it forgets what it had in hand, of this and
of other partitions, but has moved on already: the next commit would go past records that nobody saw
(`docs/upstream/`). So after such a failure everything since the last commit is read again, one record at a time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError, CorruptRecordException, KafkaError, UnsupportedCodecError

from chassis.messaging.pipeline import Delivery
from chassis.record import Record

log = structlog.get_logger("fetch")

UNREADABLE = (UnicodeDecodeError, CorruptRecordException, UnsupportedCodecError)
NOT_FETCHED = (KafkaError, ConsumerStoppedError)
"""Unless it is one of UNREADABLE: then the consumer stands where it stood, and nothing is lost."""
WAIT = 0.5
"""Seconds that one fetch waits for something new."""
WAIT_FOR_ONE = 0.2


class Fetcher:
    """Hands out batches of at most so many deliveries, and fetches the next one while this one is handled."""

    def __init__(
        self,
        most: int,
        receive: Callable[[Sequence[Record]], list[Delivery]],
        committed: Callable[[], Awaitable[None]],
    ) -> None:
        self._most = most
        self._receive = receive
        self._committed = committed
        self._consumer: AIOKafkaConsumer | None = None
        self._ahead: asyncio.Task[list[Delivery]] | None = None
        self._lost = False
        """The consumer has moved past records that nobody got: before anything else they are read one by one."""
        self.undecided: list[Delivery] = []
        """What was handed out last, until it is decided or given up."""

    async def next(self, consumer: AIOKafkaConsumer) -> list[Delivery]:
        """The next records; none when there is nothing new."""
        self._consumer = consumer
        if not self._lost:
            try:
                await self._take(consumer)
            except Exception as error:
                if isinstance(error, NOT_FETCHED) and not isinstance(error, UNREADABLE):
                    raise
                log.error("a record cannot be read", error=type(error).__name__)
                self._lost, self.undecided = True, []
        if self._lost:
            await self._committed()
            for partition in consumer.assignment():
                await _go_back(consumer, partition)
            self.undecided = self._receive(await fetch_around(consumer, consumer.assignment(), self._most))
            self._lost = False
        return self.undecided

    async def _take(self, consumer: AIOKafkaConsumer) -> None:
        self.fetch_ahead()
        ahead = self._ahead
        assert ahead
        arrived_before = ahead.done()
        await asyncio.wait({ahead})
        self.undecided = []
        if self._ahead is not ahead:
            return  # it was given up meanwhile
        self._ahead = None
        self.undecided = ahead.result()
        room = self._most - len(self.undecided)
        if arrived_before and room > 0:
            await self._top_up(consumer, room)

    async def _top_up(self, consumer: AIOKafkaConsumer, room: int) -> None:
        """Add what came after the first few, which would have to wait for a batch of its own."""
        try:
            more = await self._fetch(consumer, 0, room)
        except UNREADABLE:
            raise
        except KafkaError as error:
            # The consumer has not moved on: this can be fetched again, and what is in hand cannot.
            log.warning("cannot fetch more", error=type(error).__name__)
            return
        # What was in hand may have been given up meanwhile: then this is from where the consumer stands now.
        self.undecided = self.undecided + more

    def fetch_ahead(self) -> None:
        """Begin to fetch what comes next."""
        if self._ahead is None and self._consumer:
            self._ahead = asyncio.create_task(self._fetch(self._consumer, WAIT, self._most))

    @property
    def idle(self) -> bool:
        """Is nothing in hand, and nothing on its way?"""
        return not self.undecided and self._ahead is None

    def decided(self) -> None:
        """What was handed out is done with, and need not be kept in memory until the next."""
        self.undecided = []

    def give_up(self) -> list[Record]:
        """What was handed out last and what was fetched ahead: nobody decides it, unless it is fetched again.

        An answer that is still to come is not given up: it will be from where the consumer stands by then. Nor is a
        failure, which `next` has to see.
        """
        given_up, self.undecided = self.undecided, []
        if self._ahead and self._ahead.done() and not self._ahead.exception():
            given_up = given_up + self._ahead.result()
            self._ahead = None
        return [delivery.record for delivery in given_up]

    async def stop(self) -> None:
        """Wait for nothing more."""
        if self._ahead:
            self._ahead.cancel()
            await asyncio.gather(self._ahead, return_exceptions=True)

    async def _fetch(self, consumer: AIOKafkaConsumer, wait: float, most: int) -> list[Delivery]:
        fetched = await consumer.getmany(timeout_ms=int(wait * 1000), max_records=most)
        return self._receive([record_of(one) for some in fetched.values() for one in some])


def record_of(one: ConsumerRecord) -> Record:
    """What aiokafka fetched, in our words."""
    return Record(one.topic, one.partition, one.offset, one.key, one.headers, one.value, _moment(one.timestamp))


@lru_cache(1_000)
def _moment(milliseconds: int) -> datetime:
    # Cached: the records of a batch share it.
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(0, UTC)  # the sender may have written anything


async def fetch_around(consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition], most: int) -> list[Record]:
    """From where the consumer stands, one record at a time; in the place of one that cannot be read, an empty one.

    The pipeline makes a dead letter of it: its place is known, its bytes stay in Kafka as long as the topic keeps them.
    """
    found: list[Record] = []
    for partition in partitions:
        enough = len(found) + max(1, most // len(partitions))
        while len(found) < enough:
            try:
                await _fetch_singly(consumer, partition, enough - len(found), found)
                break
            except UNREADABLE as error:
                at = await consumer.position(partition)
                found.append(_unreadable(partition, at, error))
                consumer.seek(partition, at + 1)
    return found


async def _fetch_singly(consumer: AIOKafkaConsumer, partition: TopicPartition, most: int, found: list[Record]) -> None:
    for _ in range(most):
        one = await consumer.getmany(partition, timeout_ms=int(WAIT_FOR_ONE * 1000), max_records=1)
        if not one:
            return
        found += map(record_of, one[partition])


async def _go_back(consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
    committed = await consumer.committed(partition)
    if committed is None:
        await consumer.seek_to_beginning(partition)
    else:
        consumer.seek(partition, committed)


def _unreadable(partition: TopicPartition, offset: int, error: Exception) -> Record:
    """All that is known of it: its place."""
    headers = (("unreadable", type(error).__name__.encode()),)
    return Record(partition.topic, partition.partition, offset, None, headers, None, datetime.now(UTC))
