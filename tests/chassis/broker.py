"""A real Kafka for tests: new topics, raw records, committed offsets."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from chassis.messaging.producer import KafkaProducer
from chassis.record import Record


def a_name(what: str) -> str:
    """A unique name."""
    return f"{what}-{uuid4().hex[:12]}"


@dataclass(frozen=True)
class Broker:
    """A Kafka that answers at these addresses."""

    servers: str

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.servers)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    async def make_topic(
        self, name: str | None = None, *, partitions: int = 1, config: dict[str, str] | None = None
    ) -> str:
        """A new topic."""
        name = name or a_name("topic")
        async with self._admin() as admin:
            await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config)])
        return name

    async def delete_topic(self, name: str) -> None:
        """The topic and all its records are gone."""
        async with self._admin() as admin:
            await admin.delete_topics([name])

    async def expire(self, topic: str, partition: int, before: int) -> None:
        """The records before this offset are gone, as if they had become too old."""
        async with self._admin() as admin:
            await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before_offset=before)})

    async def settings_of(self, topic: str) -> dict[str, str]:
        """Every setting of a topic, including those that it inherits from the broker."""
        async with self._admin() as admin:
            (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        ((*_, entries),) = response.resources
        return {name: value for name, value, *_ in entries}

    async def partitions_of(self, topic: str) -> int:
        """The number of partitions of a topic."""
        return len(await self._partitions([topic]))

    async def connect(self) -> KafkaProducer:
        """A producer of the chassis."""
        return await KafkaProducer.start(self.servers)

    async def send(self, *records: Record) -> None:
        """Send raw records, each to its own partition; the broker gives the offsets."""
        async with AIOKafkaProducer(bootstrap_servers=self.servers, max_request_size=1_100_000) as producer:
            sent = [
                await producer.send(
                    record.topic, record.value, key=record.key, partition=record.partition, headers=list(record.headers)
                )
                for record in records
            ]
            for future in sent:
                await future

    async def read(self, *topics: str) -> list[ConsumerRecord]:
        """Every record that is in these topics now, partition by partition."""
        async with AIOKafkaConsumer(bootstrap_servers=self.servers, isolation_level="read_committed") as consumer:
            partitions = await self._partitions(topics)
            consumer.assign(partitions)
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            found: list[ConsumerRecord] = []
            while any([await consumer.position(partition) < end for partition, end in ends.items()]):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found += batch
            return sorted(found, key=lambda one: (one.topic, one.partition, one.offset))

    async def committed(self, group: str) -> dict[tuple[str, int], int]:
        """The offsets of a group, by topic and partition."""
        async with self._admin() as admin:
            offsets = await admin.list_consumer_group_offsets(group)
        return {(partition.topic, partition.partition): one.offset for partition, one in offsets.items()}

    async def members(self, group: str) -> int:
        """The number of members of a group."""
        async with self._admin() as admin:
            (response,) = await admin.describe_consumer_groups([group])
        return len(response.groups[0][5])

    async def _partitions(self, topics: Sequence[str]) -> list[TopicPartition]:
        async with self._admin() as admin:
            described = await admin.describe_topics(list(topics))
        return [TopicPartition(topic["topic"], one["partition"]) for topic in described for one in topic["partitions"]]
