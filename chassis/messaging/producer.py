"""The way out to Kafka: idempotent, acknowledged by all replicas, in the order in which it was called."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache, partial
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch

from chassis.login import Login
from chassis.messaging.connections import client_arguments
from chassis.outbox_records import OutboxRecord
from contracts.envelope import encoded

BATCH_BYTES = 512 * 1024
"""Before compression; one record may be larger and then has a batch to itself."""
PACKED_FROM = 2048
"""Bytes of data from which a batch is compressed. To compress a single event, and to read it in the broker and in every
consumer, takes longer than to send all of it."""
TOPIC_WITHIN = 5.0
"""Seconds after which a topic that no broker knows is not there. Left to itself aiokafka asks for most of a minute."""
ACKNOWLEDGED_WITHIN = 30.0
"""Seconds after which a send has an unknown outcome: send again, consumers drop what they had."""
CLOSE_WITHIN = 2.0

Answer = asyncio.Future[object]
Place = tuple[str, int]
"""Topic and partition."""
Ready = Callable[[], Awaitable[list[Answer | None]]]
"""Sends what was made ready."""


class Producer(Protocol):
    """Sends records in order. After a failed send of a partition nothing may follow there: use a new producer."""

    async def send(self, records: Sequence[OutboxRecord]) -> list[Answer | None]:
        """Queue one batch per partition. Per record: an answer, which comes when every replica has it or it failed.

        None: it did not fit in the batch of its partition; nothing of that partition that comes after it was taken.
        """
        ...

    async def pack(self, records: Sequence[OutboxRecord]) -> Ready:
        """Do what can be done before it is known whether these may go."""
        return partial(self.send, records)

    async def stop(self) -> None:
        """Send what is queued, and close; what cannot be sent at once is given up."""
        ...


class KafkaProducer(Producer):
    """A producer on a real broker."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    @classmethod
    async def start(cls, bootstrap_servers: str, login: Login | None = None) -> "KafkaProducer":
        """Connect.

        Raises:
            aiokafka.errors.KafkaError: no broker answers.
        """
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            metadata_max_age_ms=5_000,
            **client_arguments(login),
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return cls(producer)

    async def send(self, records: Sequence[OutboxRecord]) -> list[Answer | None]:
        ready = await self.pack(records)
        return await ready()

    async def pack(self, records: Sequence[OutboxRecord]) -> Ready:
        partitions, failed = await self._look_up({record.topic for record in records})
        keyed = [(str(record.aggregate_id).encode(), record) for record in records]
        groups: dict[Place, list[int]] = {}
        for at, (key, record) in enumerate(keyed):
            place = record.topic, partition_of(key, partitions.get(record.topic, 1))
            groups.setdefault(place, []).append(at)
        packed = {place: _packed([keyed[at] for at in group]) for place, group in groups.items() if place not in failed}

        async def send() -> list[Answer | None]:
            # Beside each other: a partition without a leader takes nothing, and keeps nobody else waiting.
            sent = await asyncio.gather(*(self._send(place, batch) for place, (batch, _) in packed.items()))
            answers = failed | dict(zip(packed, sent, strict=True))
            found: list[Answer | None] = [None] * len(records)
            for place, group in groups.items():
                for at in group[: packed[place][1]] if place in packed else group:
                    found[at] = answers[place]
            return found

        return send

    async def stop(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_WITHIN):
                await self._producer.stop()
        except TimeoutError:
            # Half closed it would go on trying, beside the one that comes after it.
            await self._producer._sender.close()
            await self._producer.client.close()

    async def _look_up(self, topics: set[str]) -> tuple[dict[str, int], dict[Place, Answer]]:
        """The number of partitions of each topic; for one that we cannot write to the answer to whatever goes there."""
        known = self._producer.client.cluster.partitions_for_topic
        partitions = {topic: len(numbers) for topic in topics if (numbers := known(topic))}
        answers: dict[Place, Answer] = {}

        async def look_up(topic: str) -> None:
            try:
                async with asyncio.timeout(TOPIC_WITHIN):
                    partitions[topic] = len(await self._producer.partitions_for(topic))
            except (KafkaError, TimeoutError) as error:
                answers[topic, 0] = _failed(error)

        if new := topics - partitions.keys():
            await asyncio.gather(*map(look_up, new))
        return partitions, answers

    async def _send(self, place: Place, batch: BatchBuilder) -> Answer:
        topic, partition = place
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN):
                answer: Answer = await self._producer.send_batch(batch, topic, partition=partition)
        except (KafkaError, TimeoutError) as error:
            return _failed(error)
        return answer


def _packed(keyed: Sequence[tuple[bytes, OutboxRecord]]) -> tuple[BatchBuilder, int]:
    """A batch, and how many of the records are in it: never two batches of one key under way, because the broker could
    refuse the first and take the second.
    """
    large = sum(len(record.value) for _, record in keyed) >= PACKED_FROM
    batch = BatchBuilder(BATCH_BYTES, DefaultRecordBatch.CODEC_ZSTD if large else DefaultRecordBatch.CODEC_NONE)
    for number, (key, record) in enumerate(keyed):
        if batch.append(timestamp=None, key=key, value=record.value, headers=encoded(record.headers)) is None:
            return batch, number
    return batch, len(keyed)


@lru_cache(16_384)
def partition_of(key: bytes, partitions: int) -> int:
    """Where every Kafka client by default sends this key."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def error_of(answer: Answer) -> BaseException | None:
    """Why the broker does not have it, as far as anybody knows."""
    if not answer.done() or answer.cancelled():
        return TimeoutError()
    return answer.exception()


def _failed(error: Exception) -> Answer:
    answer: Answer = asyncio.get_running_loop().create_future()
    answer.set_exception(error)
    answer.exception()  # looked at: asyncio need not warn when nobody else does
    return answer
