"""The behaviour of FastStream and aiokafka that the chassis relies on. An upgrade that changes it has to fail here."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, TestKafkaBroker

from chassis.messaging import subscriber as ours
from chassis.messaging.consumer import DrainOnRevoke
from chassis.messaging.fetch import Fetcher
from chassis.messaging.pipeline import Delivery
from chassis.messaging.subscriber import RecordBroker, RecordSubscriber
from chassis.record import Record
from chassis.testing.builders import a_record
from chassis.testing.eventually import eventually
from tests.chassis import odd_producer
from tests.chassis.broker import Broker, a_name


async def _nothing_to_commit() -> None: ...


def _receive(records: Sequence[Record]) -> list[Delivery]:
    return [Delivery(record) for record in records]


async def _no_records(_: object) -> list[Record]:
    return []


def subscribed(handle: Callable[[Sequence[Any]], Awaitable[None]]) -> tuple[RecordBroker, DrainOnRevoke]:
    """A broker with a subscriber, made the one way in which the chassis makes them."""
    listener = DrainOnRevoke(Fetcher(1, _receive, _nothing_to_commit), _nothing_to_commit, lambda _: None)
    broker = RecordBroker("127.0.0.1:1,127.0.0.1:2", "duaal-tally")
    broker.subscribe(["a", "b"], "duaal.tally", _no_records, handle, listener, session_timeout=12, poll_interval=90)
    return broker, listener


async def _ignore(_: Sequence[Any]) -> None:
    return None


async def test_the_chassis_subscribes_with_nothing_left_to_a_default() -> None:
    broker, drain = subscribed(_ignore)
    subscriber: Any
    (subscriber,) = broker.subscribers
    assert subscriber.ack_policy is AckPolicy.MANUAL
    assert subscriber._no_reply is True
    assert [topic.name for topic in subscriber.topics] == ["a", "b"]
    assert subscriber.group_id == "duaal.tally"
    assert subscriber._listener is drain
    assert isinstance(subscriber, RecordSubscriber)
    assert await subscriber.get_msg(None) == []
    chosen = {
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "enable_auto_commit": False,
        "session_timeout_ms": 12_000,
        "max_poll_interval_ms": 90_000,
        "heartbeat_interval_ms": 3_000,
        "rebalance_timeout_ms": 60_000,
    }
    assert {name: subscriber._connection_args[name] for name in chosen} == chosen


async def test_what_is_published_reaches_the_handler_as_raw_records() -> None:
    seen: list[object] = []

    async def handle(batch: Sequence[Any]) -> None:
        seen.extend(record.value for record in batch)

    broker, _ = subscribed(handle)
    async with TestKafkaBroker(broker):
        await broker.publish_batch(b"{not json", b"\xff", topic="a", headers={"content-type": "application/json"})
    assert seen == [b"{not json", b"\xff"]


async def test_a_reply_is_not_sent_to_where_a_stranger_asks_for_it() -> None:
    broker, _ = subscribed(_ignore)

    @broker.subscriber("elsewhere")
    async def nobody_calls(_: object) -> None:
        pytest.fail("the reply was sent")

    async with TestKafkaBroker(broker):
        await broker.publish(b"x", topic="a", reply_to="elsewhere")


def test_by_default_faststream_commits_before_it_handles() -> None:
    broker = KafkaBroker("127.0.0.1:1", logger=None)
    subscriber: Any = broker.subscriber("a", group_id="g", batch=True)
    assert subscriber.ack_policy is AckPolicy.ACK_FIRST
    assert subscriber._connection_args["enable_auto_commit"] is True
    assert subscriber._connection_args["auto_offset_reset"] == "latest"


async def _handled_values(broker: Broker, **how: Any) -> list[bytes]:
    """The values that a handler receives of two batches, of which the first has a header that is not UTF-8."""
    topic, seen = await broker.make_topic(), list[bytes]()
    faststream = KafkaBroker(broker.servers, logger=None, allow_auto_create_topics=False)
    settings: dict[str, Any] = {"batch": True, "ack_policy": AckPolicy.MANUAL, "auto_offset_reset": "earliest"}

    async def handle(_: object) -> None:
        seen.extend(record.value for record in faststream.context.get_local("message").raw_message)

    subscriber: Any = faststream.subscriber(topic, group_id=a_name("g"), decoder=ours._decode, **settings, **how)
    subscriber(handle)

    records = [a_record(topic=topic, key=b"k", value=value) for value in (b"1", b"2", b"3")]
    await broker.send(records[0], records[1]._replace(headers=[("x", b"\xff")]))
    async with faststream:
        await faststream.start()
        at = TopicPartition(topic, 0)
        await eventually(lambda: subscriber.consumer.position(at), lambda position: position == 2)
        await broker.send(records[2])
        await eventually(lambda: b"3" in seen)
    return seen


async def test_faststreams_parser_loses_a_batch_over_one_header_and_ours_does_not(broker: Broker) -> None:
    assert await _handled_values(broker) == [b"3"]
    assert await _handled_values(broker, parser=ours._parse) == [b"1", b"2", b"3"]


async def test_acknowledging_one_message_commits_every_partition(broker: Broker) -> None:
    topic, group = await broker.make_topic(partitions=2), a_name("g")
    faststream = KafkaBroker(broker.servers, logger=None, allow_auto_create_topics=False)

    @faststream.subscriber(
        topic, group_id=group, batch=True, max_records=1, ack_policy=AckPolicy.MANUAL, auto_offset_reset="earliest"
    )
    async def only_the_second_batch_is_acknowledged(_: object) -> None:
        seen.append(1)
        if len(seen) == 2:
            await faststream.context.get_local("message").ack()

    seen: list[int] = []
    await broker.send(*[a_record(topic=topic, partition=at, key=b"k", value=b"x") for at in (0, 1)])
    async with faststream:
        await faststream.start()
        await eventually(lambda: len(seen) == 2)
        await eventually(lambda: broker.committed(group), lambda found: found == {(topic, 0): 1, (topic, 1): 1})


async def test_aiokafka_loses_what_stands_before_a_record_that_it_cannot_read_and_our_fetch_does_not(
    broker: Broker,
) -> None:
    topic = await broker.make_topic()
    await broker.send(a_record(topic=topic, key=b"k", value=b"1"))
    odd_producer.send(broker.servers, topic, partition=0)
    await broker.send(a_record(topic=topic, key=b"k", value=b"2"))

    def reading() -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            topic, bootstrap_servers=broker.servers, group_id=a_name("g"), auto_offset_reset="earliest",
            enable_auto_commit=False,
        )  # fmt: skip

    async with reading() as consumer, asyncio.timeout(60):
        values: list[bytes] = []
        failures, looks_after_it = 0, 0
        while looks_after_it < 3:
            looks_after_it += failures > 0
            try:
                fetched = await consumer.getmany(timeout_ms=300)
                values += [record.value for records in fetched.values() for record in records]
            except UnicodeDecodeError:
                failures += 1
        assert b"1" not in values
    async with reading() as consumer, asyncio.timeout(60):
        fetching = Fetcher(100, _receive, _nothing_to_commit)
        found: list[Record] = []
        while len(found) < 3:
            found += [one.record for one in await fetching.next(consumer)]
        await fetching.stop()
    assert [(record.offset, record.value) for record in found] == [(0, b"1"), (1, None), (2, b"2")]


async def test_a_producer_that_failed_on_a_partition_fails_there_for_good(broker: Broker) -> None:
    topic = await broker.make_topic(partitions=2, config={"max.message.bytes": "1000"})
    async with AIOKafkaProducer(bootstrap_servers=broker.servers, enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, b"x", partition=0)
        with pytest.raises(KafkaError):
            await producer.send_and_wait(topic, b"x" * 5_000, partition=0)
        with pytest.raises(KafkaError):
            await asyncio.wait_for(producer.send_and_wait(topic, b"x", partition=0), timeout=60)
        await producer.send_and_wait(topic, b"x", partition=1)
