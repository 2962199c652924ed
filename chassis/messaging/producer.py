"""The way out to Kafka: idempotent, acknowledged by all replicas, in the order in which it was called."""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from aiokafka import AIOKafkaProducer

from chassis.messaging.outbox import OutboxRecord


class Producer(Protocol):
    """Sends records in order. After a failed send every later send of its partition fails too: use a new producer."""

    async def send(self, record: OutboxRecord) -> Awaitable[object]:
        """Queue a record; the answer is done when every replica has it."""
        ...

    async def stop(self) -> None:
        """Send what is queued, and close."""
        ...


class KafkaProducer:
    """A producer on a real broker."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    @classmethod
    async def start(cls, bootstrap_servers: str) -> "KafkaProducer":
        """Connect.

        Raises:
            aiokafka.errors.KafkaError: no broker answers.
        """
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            enable_idempotence=True,
            acks="all",
            compression_type="zstd",
            max_batch_size=256 * 1024,
            linger_ms=0,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return cls(producer)

    async def send(self, record: OutboxRecord) -> Awaitable[object]:
        future: asyncio.Future[object] = await self._producer.send(
            record.topic, record.value, key=str(record.aggregate_id).encode(), headers=record.headers
        )
        return future

    async def stop(self) -> None:
        await self._producer.stop()
