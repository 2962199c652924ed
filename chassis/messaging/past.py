"""Reads a topic from its beginning, beside the group of the service: what Kafka still has of the past."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis.login import Login
from chassis.messaging.connections import client_arguments
from chassis.messaging.fetch import UNREADABLE, fetch_around, record_of
from chassis.messaging.groups import answering, committed_by
from chassis.record import Record

BATCH = 4_000
FETCH_WITHIN_MS = 500
WAIT_MS = 20
"""How long the broker waits for something new at the end of the topic. A question about offsets waits behind that."""
SINGLY = 500
"""Records that are read one by one around one that cannot be read."""

Offsets = Mapping[TopicPartition, int]


class Past:
    """The records of a topic, in the order of each partition, from the first that Kafka still has."""

    def __init__(self, consumer: AIOKafkaConsumer, beginnings: Offsets) -> None:
        self._consumer = consumer
        self._next = dict(beginnings)
        """Per partition what comes after the records that were handed out."""
        self.is_whole = not any(beginnings.values())
        """Does Kafka still have the very first records?"""

    async def ends(self) -> Offsets:
        """Per partition the offset that the next record will have."""
        ends: Offsets = await self._consumer.end_offsets([*self._next])
        return ends

    async def batches(self, until: Offsets) -> AsyncIterator[Sequence[Record]]:
        """The records before these offsets that were not handed out yet."""
        while behind := [one for one, offset in self._next.items() if offset < until[one]]:
            records = await self._fetch(behind)
            for partition in behind:
                await self._move(partition, until[partition])
            if records:
                yield [one for one in records if one.offset < until[TopicPartition(one.topic, one.partition)]]

    async def _fetch(self, partitions: Sequence[TopicPartition]) -> Sequence[Record]:
        try:
            fetched = await self._consumer.getmany(*partitions, timeout_ms=FETCH_WITHIN_MS, max_records=BATCH)
        except UNREADABLE:
            for partition in partitions:
                self._consumer.seek(partition, self._next[partition])
            return await fetch_around(self._consumer, partitions, SINGLY)
        return [record_of(one) for some in fetched.values() for one in some]

    async def _move(self, partition: TopicPartition, until: int) -> None:
        """What was fetched beyond the end is for another time."""
        position = await self._consumer.position(partition)
        if position > until:
            self._consumer.seek(partition, until)
        self._next[partition] = min(position, until)


@asynccontextmanager
async def past_of(topic: str, bootstrap_servers: str, login: Login | None = None) -> AsyncIterator[Past]:
    """The past of a topic.

    Raises:
        KafkaIsAway: no broker answers.
    """
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap_servers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=WAIT_MS,
        **client_arguments(login),
    )
    async with answering(bootstrap_servers):
        await consumer.start()
        beginnings = await consumer.beginning_offsets(consumer.assignment())
    try:
        yield Past(consumer, beginnings)
    finally:
        await consumer.stop()


async def decided_by(service: str, ends: Offsets, bootstrap_servers: str, login: Login | None = None) -> Offsets:
    """Per partition the offset before which the service has decided everything."""
    async with answering(bootstrap_servers):
        committed = await committed_by(bootstrap_servers, service, login)
    return {partition: min(committed.get(partition, 0), end) for partition, end in ends.items()}
