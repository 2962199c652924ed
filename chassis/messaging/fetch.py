"""Fetches records so that one which cannot be read costs none of its neighbours.

aiokafka decodes header names while it hands out records. When that fails it forgets what it had in hand, of this and
of other partitions, but has moved on already: the next commit would go past records that nobody saw.
"""

import time
from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError

log = structlog.get_logger("fetch")

UNREADABLE = (UnicodeDecodeError, CorruptRecordException, UnsupportedCodecError)
WAIT = 0.5
"""Seconds that one fetch waits for something new."""
WAIT_FOR_ONE = 0.2


async def fetch(consumer: AIOKafkaConsumer, most: int) -> tuple[ConsumerRecord, ...]:
    """The next records, partition by partition; empty when there is nothing new."""
    try:
        fetched = await consumer.getmany(timeout_ms=int(WAIT * 1000), max_records=most)
    except UNREADABLE as error:
        log.error("a record cannot be read", error=type(error).__name__)
        return await _fetch_around(consumer, most)
    return tuple(record for records in fetched.values() for record in records)


async def _fetch_around(consumer: AIOKafkaConsumer, most: int) -> tuple[ConsumerRecord, ...]:
    """From where the group has committed, one record at a time; in the place of one that cannot be read, an empty one.

    The pipeline makes a dead letter of it: its place is known, its bytes stay in Kafka as long as the topic keeps them.
    """
    partitions = consumer.assignment()
    found: list[ConsumerRecord] = []
    for partition in partitions:
        await _go_back(consumer, partition)
        enough = len(found) + max(1, most // len(partitions))
        while len(found) < enough:
            try:
                await _fetch_singly(consumer, partition, enough - len(found), found)
                break
            except UNREADABLE as error:
                at = await consumer.position(partition)
                found.append(_unreadable(partition, at, error))
                consumer.seek(partition, at + 1)
    return tuple(found)


async def _fetch_singly(
    consumer: AIOKafkaConsumer, partition: TopicPartition, most: int, found: list[ConsumerRecord]
) -> None:
    for _ in range(most):
        one = await consumer.getmany(partition, timeout_ms=int(WAIT_FOR_ONE * 1000), max_records=1)
        if not one:
            return
        found += one[partition]


async def _go_back(consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
    committed = await consumer.committed(partition)
    if committed is None:
        await consumer.seek_to_beginning(partition)
    else:
        consumer.seek(partition, committed)


def _unreadable(partition: TopicPartition, offset: int, error: Exception) -> ConsumerRecord:
    headers: Sequence[tuple[str, bytes]] = (("unreadable", type(error).__name__.encode()),)
    now = int(time.time() * 1000)
    return ConsumerRecord(partition.topic, partition.partition, offset, now, 0, None, None, None, 0, 0, headers)
