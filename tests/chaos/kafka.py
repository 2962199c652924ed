"""The Kafka side of a trial: the topics of one ledger, their records, and the offsets of its group."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from chassis.messaging.groups import group_of
from tests.chaos.traffic import Draft, Sent
from tests.chaos.workload import PARTITIONS, manifests

LARGEST = 2 * 1024 * 1024


class Kafka:
    """The cluster, limited to the topics and group of one ledger."""

    def __init__(self, servers: str, service: str, brokers: int) -> None:
        self._servers = servers
        self._service = service
        self._brokers = brokers

    def topic(self, what: str) -> list[TopicPartition]:
        """The partitions of one of the ledger's topics."""
        return [TopicPartition(f"duaal.{self._service}.{what}", number) for number in range(PARTITIONS)]

    async def make_topics(self) -> None:
        """Create all topics, with a replica on every broker."""
        async with self._admin() as admin:
            await admin.create_topics([NewTopic(name, PARTITIONS, self._brokers) for name in manifests(self._service)])

    async def delete_topics(self) -> None:
        """Delete all topics."""
        async with self._admin() as admin:
            await admin.delete_topics(list(manifests(self._service)))

    async def send(self, drafts: Iterable[Draft]) -> list[Sent]:
        """Send records in this order; returns their places."""
        topic = self.topic("deposits")[0].topic
        async with AIOKafkaProducer(
            bootstrap_servers=self._servers, enable_idempotence=True, max_request_size=LARGEST
        ) as producer:
            under_way = [
                (one, await producer.send(topic, one.value, key=one.key, headers=list(one.headers))) for one in drafts
            ]
            places = [(draft, await future) for draft, future in under_way]
        return [Sent(draft, place.partition, place.offset) for draft, place in places]

    async def read(self, what: str) -> list[ConsumerRecord]:
        """Every record of a topic, in the order of partitions and offsets."""
        async with AIOKafkaConsumer(bootstrap_servers=self._servers, isolation_level="read_committed") as consumer:
            consumer.assign(self.topic(what))
            await consumer.seek_to_beginning()
            ends = await consumer.end_offsets(self.topic(what))
            found: list[ConsumerRecord] = []
            while [partition for partition, end in ends.items() if await consumer.position(partition) < end]:
                for some in (await consumer.getmany(timeout_ms=200)).values():
                    found += some
        return sorted(found, key=lambda one: (one.partition, one.offset))

    async def ends(self) -> dict[int, int]:
        """The end offset of each partition of the deposits."""
        async with AIOKafkaConsumer(bootstrap_servers=self._servers) as consumer:
            ends = await consumer.end_offsets(self.topic("deposits"))
        return {partition.partition: end for partition, end in ends.items()}

    async def committed(self) -> dict[int, int]:
        """The committed offset of each partition of the deposits."""
        async with self._admin() as admin:
            offsets = await admin.list_consumer_group_offsets(group_of(self._service))
        return {partition.partition: max(0, one.offset) for partition, one in offsets.items()}

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()
