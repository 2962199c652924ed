"""The batches of the producer, and that a partition without a leader delays no other."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.conn import AIOKafkaConnection
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatch

from chassis.messaging.direct_publisher import DirectPublisher
from chassis.messaging.producer import BATCH_BYTES, KafkaProducer, Ready, error_of, partition_of
from chassis.outbox_records import OutboxRecord
from chassis.testing.builders import an_outbox_record
from tests.chassis.broker import Broker
from tests.chassis.tally import a_count


class Clogged:
    """aiokafka while partition 0 of two has no leader, and a batch that waits for one."""

    client = SimpleNamespace(cluster=SimpleNamespace(partitions_for_topic=lambda _: {0, 1}))

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.given_up_after: list[int] | None = None
        self.batches: list[Any] = []

    async def send_batch(self, batch: BatchBuilder, _: str, *, partition: int) -> Any:
        if partition == 0:
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up_after = [*self.taken]
        self.taken.append(partition)
        self.batches.append(DefaultRecordBatch(bytes(batch._build())))
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        answer.set_result(None)
        return answer


def on_partition(number: int) -> OutboxRecord:
    keys = iter(uuid4, UUID(int=0))
    return an_outbox_record(a_count(next(key for key in keys if partition_of(str(key).encode(), 2) == number)))


async def test_a_partition_that_takes_nothing_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.messaging.producer.ACKNOWLEDGED_WITHIN", 0.1)
    clogged = Clogged()
    producer = KafkaProducer(cast(AIOKafkaProducer, clogged))
    failed, taken = await producer.send([on_partition(0), on_partition(1)])
    assert clogged.given_up_after == [1], "one waited for the other"
    assert failed
    assert taken
    assert isinstance(error_of(failed), TimeoutError)
    assert error_of(taken) is None


@pytest.mark.parametrize(
    ("size", "codec"), [(300, DefaultRecordBatch.CODEC_NONE), (3_000, DefaultRecordBatch.CODEC_ZSTD)]
)
async def test_what_is_small_is_not_compressed(size: int, codec: int) -> None:
    clogged = Clogged()
    await KafkaProducer(cast(AIOKafkaProducer, clogged)).send([on_partition(1)._replace(value=b"1" * size)])
    (batch,) = clogged.batches
    assert batch.compression_type == codec


async def test_behind_what_does_not_fit_goes_nothing_not_even_what_would() -> None:
    clogged = Clogged()
    large, small = on_partition(1)._replace(value=b"1" * (BATCH_BYTES - 1_000)), on_partition(1)
    answers = await KafkaProducer(cast(AIOKafkaProducer, clogged)).send([large, large, small])
    assert [answer is not None for answer in answers] == [True, False, False]
    assert [len([*batch]) for batch in clogged.batches] == [1]


async def test_what_is_published_directly_is_sent_before_the_code_after_the_commit_continues(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[type] = []
    send = AIOKafkaConnection.send

    def noted(connection: AIOKafkaConnection, request: object, *more: Any, **options: Any) -> Any:
        requests.append(type(request))
        return send(connection, request, *more, **options)

    monkeypatch.setattr(AIOKafkaConnection, "send", noted)
    topic = await broker.make_topic(partitions=12)
    producer = await broker.connect()
    publisher = DirectPublisher(wake=lambda: None, count=lambda _: None)
    publisher.open(producer)
    packed, pack = asyncio.Event(), producer.pack

    async def pack_and_tell(records: Sequence[OutboxRecord]) -> Ready:
        ready = await pack(records)
        packed.set()
        return ready

    vars(producer)["pack"] = pack_and_tell
    for _ in range(2):  # the first one still has to hear of the topic
        facts = [an_outbox_record(a_count(uuid4()))._replace(topic=topic) for _ in range(50)]
        async with publisher.publish_after(facts):
            await packed.wait()
            packed.clear()
            requests.clear()
        assert requests == [ProduceRequest]
        await publisher.drain(10)
    assert len(publisher.acknowledged) == 100
    await producer.stop()
