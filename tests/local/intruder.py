"""A client that sends requests without checking its rights first, and reports the answers of the broker."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import JoinGroupRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from chassis.messaging.connections import client_arguments
from deploy.local.stack import Kafka

Answers = dict[str, type[Exception]]
"""The broker's error per topic or per request; `NoError` when the request was executed."""


class Intruder:
    """A client of the one broker of a stack."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client

    async def write(self, topics: Iterable[str], *, broken: Iterable[str] = ()) -> Answers:
        """Write one record to partition 0 of each; for `broken` topics one that is always refused."""
        good, bad = _batch(), _batch()[:-1] + b"?"
        every = [(topic, [(0, good)]) for topic in topics] + [(topic, [(0, bad)]) for topic in broken]
        answer = await self._ask(ProduceRequest(None, -1, 5000, every))
        return {topic: for_code(code) for topic, ((_, code, *_),) in answer.topics}

    async def read(self, topics: Iterable[str]) -> Answers:
        """Read partition 0 of each."""
        return {topic: for_code(code) for topic, ((_, code, *_),) in (await self._fetch(topics)).topics}

    async def ends(self, topics: Iterable[str]) -> dict[str, int]:
        """The number of records that partition 0 of each ever had."""
        return {topic: end for topic, ((_, _, end, *_),) in (await self._fetch(topics)).topics}

    async def join(self, group: str) -> Answers:
        """Join a consumer group, and commit offsets of it without being a member."""
        joined = await self._ask(JoinGroupRequest(group, 6000, 6000, "", None, "consumer", [("range", b"")]))
        moved = await self._ask(OffsetCommitRequest(group, -1, "", -1, [("duaal.intake.cases", [(0, 1, "")])]))
        ((_, ((_, code),)),) = moved.topics
        return {"join": for_code(joined.error_code), "commit": for_code(code)}

    async def _fetch(self, topics: Iterable[str]) -> Any:
        return await self._ask(FetchRequest(0, 0, 1024, 0, [(topic, [(0, 0, 1)]) for topic in topics]))

    async def _ask(self, request: Any) -> Any:
        return await self._client.send(self._client.get_random_node(), request)


@asynccontextmanager
async def intruder(kafka: Kafka, user: str) -> AsyncIterator[Intruder]:
    """An intruder that logs in as this user."""
    client = AIOKafkaClient(bootstrap_servers=kafka.bootstrap_servers, **client_arguments(kafka.login(user)))
    await client.bootstrap()
    try:
        yield Intruder(client)
    finally:
        await client.close()


def _batch() -> bytes:
    batch = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1024,
    )
    batch.append(0, timestamp=1, key=b"key", value=b"{}", headers=[])
    return bytes(batch.build())
