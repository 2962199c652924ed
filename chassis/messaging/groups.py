"""Where the consumer group of a service is: how far behind, and how to make it read again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from chassis.login import Login
from chassis.messaging.connections import client_arguments
from chassis.topics import consumed_by, manifest_of

ANSWERS_WITHIN = 10.0


class KafkaIsAway(Exception):
    """No broker answers."""


class GroupIsRunning(Exception):
    """Offsets can only be moved while no process of the service consumes."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is on one topic, in records: `committed` of `end`."""

    topic: str
    committed: int
    end: int

    @property
    def records(self) -> int:
        """Records that are still to be decided."""
        return self.end - self.committed


def group_of(service: str) -> str:
    """The name of a service's consumer group."""
    return f"duaal.{service}"


async def lag_of(
    bootstrap_servers: str, service: str, login: Login | None = None, *, topics: Sequence[str] | None = None
) -> list[Lag]:
    """The lag of a service, per topic: those that it consumes by the manifests, unless told.

    Raises:
        KafkaIsAway: no broker answers.
    """
    topics = consumed_by(service) if topics is None else topics
    if not topics:
        return []
    async with answering(bootstrap_servers):
        return await _lag_of(bootstrap_servers, service, login, topics)


async def _lag_of(bootstrap_servers: str, service: str, login: Login | None, topics: Sequence[str]) -> list[Lag]:
    done = await committed_by(bootstrap_servers, service, login)
    async with _reader(bootstrap_servers, login) as reader:
        ends = await reader.end_offsets(_partitions(topics))
        starts = await reader.beginning_offsets(_partitions(topics))
    lags = []
    for topic in topics:
        partitions = _partitions([topic])
        committed = sum(max(done.get(partition, 0), starts[partition]) for partition in partitions)
        lags.append(Lag(topic, committed, sum(ends[partition] for partition in partitions)))
    return lags


async def committed_by(bootstrap_servers: str, service: str, login: Login | None) -> dict[TopicPartition, int]:
    """Per partition the offset before which the service has decided everything, as far as it told Kafka."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, **client_arguments(login))
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group_of(service))
    finally:
        await admin.close()
    return {partition: max(0, offset.offset) for partition, offset in offsets.items()}


async def read_again(bootstrap_servers: str, service: str, topics: Sequence[str], login: Login | None = None) -> int:
    """Put the group back to the beginning of the topics; the answer is the number of records it will read again.

    Raises:
        GroupIsRunning: a process of the service consumes.
        KafkaIsAway: no broker answers.
    """
    async with answering(bootstrap_servers):
        return await _read_again(bootstrap_servers, service, topics, login)


async def _read_again(bootstrap_servers: str, service: str, topics: Sequence[str], login: Login | None) -> int:
    partitions = _partitions(topics)
    async with _reader(bootstrap_servers, login, group_of(service)) as reader:
        starts = await reader.beginning_offsets(partitions)
        ends = await reader.end_offsets(partitions)
        reader.assign(partitions)
        try:
            await reader.commit(starts)
        except KafkaError as error:
            raise GroupIsRunning(f"stop every process of {service} that consumes, and wait some seconds") from error
    return sum(ends[partition] - starts[partition] for partition in partitions)


@asynccontextmanager
async def answering(bootstrap_servers: str) -> AsyncIterator[None]:
    """Raises KafkaIsAway when what is done inside finds no broker."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise KafkaIsAway(f"Kafka at {bootstrap_servers} does not answer: {type(error).__name__}") from error


def _partitions(topics: Sequence[str]) -> list[TopicPartition]:
    return [TopicPartition(name, number) for name in topics for number in range(manifest_of(name).partitions)]


@asynccontextmanager
async def _reader(
    bootstrap_servers: str, login: Login | None, group: str | None = None
) -> AsyncIterator[AIOKafkaConsumer]:
    reader = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, group_id=group, enable_auto_commit=False, **client_arguments(login)
    )
    await reader.start()
    try:
        yield reader
    finally:
        await reader.stop()
