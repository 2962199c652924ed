"""The golden vectors through a real Kafka: clients of others read our records, and we read theirs."""

import asyncio
from itertools import count
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.partitioner import DefaultPartitioner

from contracts.envelope import read
from deploy.local.stack import Stack
from tests.contract.vectors import Vector, vectors
from tests.interop import clients
from tests.interop.clients import Reader, Record, Writer

ALL = [*vectors("valid").values(), *vectors("invalid").values()]
PARTITIONS = 12

READERS = [
    pytest.param(clients.read_with_confluent, id="confluent-kafka"),
    pytest.param(clients.read_with_kcat, id="kcat"),
    pytest.param(clients.read_with_console_consumer, id="console-consumer"),
    pytest.param(clients.read_with_kafkajs, id="kafkajs", marks=pytest.mark.npm),
]
WRITERS = [
    pytest.param(clients.write_with_confluent, id="confluent-kafka"),
    pytest.param(clients.write_with_kcat, id="kcat"),
    pytest.param(clients.write_with_kafkajs, id="kafkajs", marks=pytest.mark.npm),
]

_numbers = count(1)


def record_of(vector: Vector) -> Record:
    return Record(vector.key, vector.headers, vector.value)


@pytest.fixture
def servers(stack: Stack) -> str:
    """The bootstrap servers."""
    return stack.kafka.bootstrap_servers


async def a_topic(servers: str, partitions: int = 1) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        name = f"interop.{next(_numbers)}.{uuid4()}"
        await admin.create_topics([NewTopic(name, partitions, 1)])
        return name
    finally:
        await admin.close()


async def we_write(servers: str, topic: str, records: list[Record]) -> None:
    """Write with the compression of our relay, for which some clients need a codec."""
    async with AIOKafkaProducer(bootstrap_servers=servers, compression_type="zstd") as producer:
        for record in records:
            await producer.send_and_wait(topic, record.value, key=record.key, headers=record.headers)


async def we_read(servers: str, topic: str, number: int, partitions: int = 1) -> list[Record]:
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(partitions)])
        found = [await asyncio.wait_for(anext(consumer), clients.SECONDS) for _ in range(number)]
    finally:
        await consumer.stop()
    return [Record(one.key, list(one.headers), one.value, one.partition) for one in found]


@pytest.fixture(scope="module")
async def filled(stack: Stack) -> str:
    """A topic with every vector on it, valid or not."""
    topic = await a_topic(stack.kafka.bootstrap_servers)
    await we_write(stack.kafka.bootstrap_servers, topic, [record_of(vector) for vector in ALL])
    return topic


@pytest.mark.parametrize("reader", READERS)
async def test_what_we_write_is_read_the_same(reader: Reader, servers: str, filled: str) -> None:
    found = await asyncio.to_thread(reader, servers, filled, len(ALL))
    for vector, record in zip(ALL, found, strict=True):
        assert record == record_of(vector), vector.name


@pytest.mark.parametrize("writer", WRITERS)
async def test_what_they_write_we_read_as_it_was_meant(writer: Writer, servers: str) -> None:
    valid = list(vectors("valid").values())
    topic = await a_topic(servers)
    await asyncio.to_thread(writer, servers, topic, [record_of(vector) for vector in valid])
    for vector, record in zip(valid, await we_read(servers, topic, len(valid)), strict=True):
        assert record == record_of(vector), vector.name
        assert read(record.headers, record.value)[0] == vector.envelope


@pytest.mark.parametrize("writer", WRITERS)
async def test_they_put_a_key_into_the_same_partition_as_we_do(writer: Writer, servers: str) -> None:
    topic = await a_topic(servers, PARTITIONS)
    keys = [f"V-2026-{number}".encode() for number in range(12)]
    await asyncio.to_thread(writer, servers, topic, [Record(key, [], b"{}") for key in keys])
    found = {record.key: record.partition for record in await we_read(servers, topic, len(keys), PARTITIONS)}
    everywhere = list(range(PARTITIONS))
    assert found == {key: DefaultPartitioner()(key, everywhere, everywhere) for key in keys}
