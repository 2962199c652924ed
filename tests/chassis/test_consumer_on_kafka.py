"""The consumer on a real Kafka and PostgreSQL: nothing is lost, and no offset is committed before the database."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from chassis.failures import RetryPolicy
from chassis.messaging.consumer import COMMIT_EVERY, Consumer
from chassis.messaging.dead_letter_limit import DeadLetterLimit, Halted
from chassis.observability.health import Health
from chassis.persistence.store import PostgresStore
from chassis.record import Outcome, Record
from chassis.testing.builders import a_record
from chassis.testing.eventually import eventually
from chassis.testing.fakes import MemoryStore
from deploy.local import ports
from tests.chassis import odd_producer
from tests.chassis.broker import Broker, a_name
from tests.chassis.conftest import Gated, Rig, Unreliable
from tests.chassis.tally import a_count


@dataclass
class Member:
    """One member of a group, with the error that halted it, if any."""

    consumer: Consumer
    health: Health
    halted: list[Halted]


def a_member(servers: str, group: str, topics: Sequence[str], rig: Rig, *, batch_size: int = 500) -> Member:
    """A consumer that has not joined yet."""
    health, halted = Health(), list[Halted]()
    consumer = Consumer(
        group,
        topics,
        servers,
        rig.pipeline,
        rig.metrics,
        health,
        batch_size=batch_size,
        session_timeout=6,
        poll_interval=300,
        halt=halted.append,
    )
    return Member(consumer, health, halted)


@asynccontextmanager
async def consuming(
    broker: Broker, group: str, topic: str, rig: Rig, *, batch_size: int = 500
) -> AsyncIterator[Member]:
    """A member that has joined."""
    member = a_member(broker.servers, group, [topic], rig, batch_size=batch_size)
    await member.consumer.start()
    try:
        yield member
    finally:
        await member.consumer.stop()


@pytest.fixture
async def topic(broker: Broker) -> str:
    """A topic of one partition."""
    return await broker.make_topic()


@pytest.fixture
def group() -> str:
    return a_name("group")


def counts(topic: str, number: int, *, partitions: int = 1) -> list[Record]:
    """Events of as many tallies, spread over the partitions."""
    return [a_record(a_count())._replace(topic=topic, partition=at % partitions) for at in range(number)]


async def handled(rig: Rig, number: int) -> None:
    """Wait until so many records were handled."""
    await eventually(lambda: rig.counted(Outcome.HANDLED), lambda found: found >= number)


async def test_what_was_sent_before_the_group_existed_is_handled_and_committed(
    broker: Broker, topic: str, group: str, postgres: PostgresStore
) -> None:
    rig = Rig(postgres)
    await broker.send(*counts(topic, 50))
    async with consuming(broker, group, topic, rig) as member:
        await eventually(lambda: broker.committed(f"duaal.{group}"), lambda found: found == {(topic, 0): 50})
        assert member.health.not_ready == []
    assert rig.counted(Outcome.HANDLED) == len(await rig.outbox()) == 50


async def test_of_several_brokers_one_that_answers_is_enough(
    broker: Broker, topic: str, group: str, postgres: PostgresStore
) -> None:
    rig = Rig(postgres)
    await broker.send(*counts(topic, 1))
    member = a_member(f"127.0.0.1:1,{broker.servers}", group, [topic], rig)
    await member.consumer.start()
    await handled(rig, 1)
    await member.consumer.stop()


async def test_a_header_that_nobody_can_decode_costs_no_neighbour(
    broker: Broker, topic: str, group: str, postgres: PostgresStore
) -> None:
    rig = Rig(postgres)
    good = counts(topic, 4)
    null, binary, twice, tombstone = counts(topic, 4)
    null = null._replace(headers=[*null.headers, ("ce_x", None)])
    binary = binary._replace(headers=[*binary.headers, ("ce_x", b"\xff\xfe")])
    twice = twice._replace(headers=[*twice.headers, ("ce_id", b"again")])
    tombstone = tombstone._replace(value=None)
    await broker.send(good[0], null, good[1], binary, good[2], twice, tombstone, good[3])
    async with consuming(broker, group, topic, rig):
        await handled(rig, 4)
    letters = await rig.letters()
    assert [letter.record.offset for letter in letters] == [1, 3, 5, 6]
    assert list(letters[0].record.headers) == list(null.headers)
    assert list(letters[1].record.headers) == list(binary.headers)
    assert list(letters[2].record.headers) == list(twice.headers)
    assert letters[3].record.value is None
    assert await broker.committed(f"duaal.{group}") == {(topic, 0): 8}


async def test_a_record_that_cannot_even_be_read_costs_no_neighbour_on_any_partition(
    broker: Broker, group: str, postgres: PostgresStore
) -> None:
    topic = await broker.make_topic(partitions=3)
    rig = Rig(postgres)
    await broker.send(*counts(topic, 2))
    for _ in range(2):
        odd_producer.send(broker.servers, topic, partition=0)
    await broker.send(*counts(topic, 3))
    async with consuming(broker, group, topic, rig):
        for one in counts(topic, 40, partitions=3):
            await broker.send(one)
        await handled(rig, 45)
        await eventually(lambda: broker.committed(f"duaal.{group}"), lambda found: sum(found.values()) == 47)
    letters = [letter.record for letter in await rig.letters()]
    assert [letter.place for letter in letters] == [f"{topic}/0/2", f"{topic}/0/3"]
    assert letters[0].headers == [("unreadable", b"UnicodeDecodeError")]
    assert rig.counted(Outcome.DUPLICATE) == 0


async def test_an_offset_is_committed_only_after_the_database_has(
    broker: Broker, topic: str, group: str, postgres: PostgresStore
) -> None:
    store = Gated(postgres)
    rig = Rig(store)
    await broker.send(*counts(topic, 10))
    async with consuming(broker, group, topic, rig):
        await eventually(lambda: store.waiting)
        # Time to do it wrong: nothing that is right depends on how long this takes.
        await asyncio.sleep(COMMIT_EVERY * 2)
        assert await broker.committed(f"duaal.{group}") == {}
        store.gate.set()
        await eventually(lambda: broker.committed(f"duaal.{group}"), lambda found: found == {(topic, 0): 10})


async def test_only_the_offsets_of_the_batch_are_committed(broker: Broker, group: str, postgres: PostgresStore) -> None:
    topic = await broker.make_topic(partitions=3)
    store = Gated(postgres, passes=4)
    rig = Rig(store)
    await broker.send(*counts(topic, 9, partitions=3))
    async with consuming(broker, group, topic, rig, batch_size=1):
        await eventually(lambda: store.waiting)
        assert rig.counted(Outcome.HANDLED) == 4
        await eventually(lambda: broker.committed(f"duaal.{group}"), lambda found: sum(found.values()) == 4)
        store.gate.set()
        await handled(rig, 9)


async def test_a_member_that_joins_waits_until_the_running_batch_is_committed(
    broker: Broker, group: str, postgres: PostgresStore
) -> None:
    topic = await broker.make_topic(partitions=4)
    store = Gated(postgres)
    first, second = Rig(store), Rig(postgres)
    await broker.send(*counts(topic, 40, partitions=4))
    async with consuming(broker, group, topic, first, batch_size=20):
        await eventually(lambda: store.waiting)
        newcomer = a_member(broker.servers, group, [topic], second, batch_size=20)
        joining = asyncio.create_task(newcomer.consumer.start())
        await eventually(lambda: broker.members(f"duaal.{group}"), lambda members: members == 2)
        # Longer than it takes the first to hear of the newcomer, which it does at its next heartbeat. On a busy machine
        # it may hear of it later: then this proves less, and does not fail.
        joined, _ = await asyncio.wait([joining], timeout=2.5)
        assert not joined, "it got partitions while their records were being handled"
        store.gate.set()
        await joining
        try:
            await eventually(lambda: first.counted(Outcome.HANDLED) + second.counted(Outcome.HANDLED) == 40)
        finally:
            await newcomer.consumer.stop()
    assert first.counted(Outcome.DUPLICATE) + second.counted(Outcome.DUPLICATE) == 0
    assert sum((await broker.committed(f"duaal.{group}")).values()) == 40


async def test_stopping_finishes_the_running_batch_and_commits_it(
    broker: Broker, topic: str, group: str, postgres: PostgresStore
) -> None:
    store = Gated(postgres)
    rig = Rig(store)
    await broker.send(*counts(topic, 10))
    member = a_member(broker.servers, group, [topic], rig)
    await member.consumer.start()
    await eventually(lambda: store.waiting)
    stopping = asyncio.create_task(member.consumer.stop())
    # Time to do it wrong: before the gate is open it has nothing to be done with, however long this takes.
    stopped, _ = await asyncio.wait([stopping], timeout=0.2)
    assert not stopped, "it left a batch behind"
    store.gate.set()
    await stopping
    assert rig.counted(Outcome.HANDLED) == 10
    assert await broker.committed(f"duaal.{group}") == {(topic, 0): 10}
    assert await broker.members(f"duaal.{group}") == 0


async def test_stopping_under_load_commits_all_that_was_handled(
    broker: Broker, topic: str, group: str, postgres: PostgresStore
) -> None:
    first, second = Rig(postgres), Rig(postgres)
    await broker.send(*counts(topic, 1_500))
    async with consuming(broker, group, topic, first, batch_size=5):
        await handled(first, 10)
    assert first.counted(Outcome.HANDLED) < 1_500, "it was too quick: the test wants it stopped half way"
    async with consuming(broker, group, topic, second):
        await handled(second, 1_500 - first.counted(Outcome.HANDLED))
    assert second.counted(Outcome.DUPLICATE) == 0


async def test_who_takes_over_begins_where_the_other_stopped(
    broker: Broker, topic: str, group: str, postgres: PostgresStore
) -> None:
    first, second = Rig(postgres), Rig(postgres)
    await broker.send(*counts(topic, 5))
    async with consuming(broker, group, topic, first):
        await handled(first, 5)
    await broker.send(*counts(topic, 5))
    async with consuming(broker, group, topic, second):
        await handled(second, 5)
    assert second.counted(Outcome.DUPLICATE) == 0


@pytest.mark.parametrize("batch_size", [500, 10], ids=["all at once", "with another partition fetched ahead"])
async def test_a_paused_batch_comes_again_and_nothing_of_it_is_lost(
    broker: Broker, group: str, postgres: PostgresStore, batch_size: int
) -> None:
    topic = await broker.make_topic(partitions=3)
    rig = Rig(Unreliable(postgres, refuses=3, breaks=3), retry_policy=RetryPolicy(pause=0.05))
    await broker.send(*counts(topic, 30, partitions=3))
    async with consuming(broker, group, topic, rig, batch_size=batch_size) as member:
        await eventually(lambda: rig.counted(Outcome.HANDLED) + rig.counted(Outcome.DUPLICATE) >= 30)
        await eventually(lambda: broker.committed(f"duaal.{group}"), lambda found: sum(found.values()) == 30)
        await eventually(lambda: member.health.not_ready == [])
    assert len(await rig.outbox()) == 30
    assert await rig.letters() == []


async def test_a_halt_is_reported_and_commits_nothing(
    broker: Broker, topic: str, group: str, postgres: PostgresStore
) -> None:
    rig = Rig(postgres, limit=DeadLetterLimit(in_a_row=3))
    await broker.send(*[record._replace(value=b"{}") for record in counts(topic, 10)], *counts(topic, 5))
    async with consuming(broker, group, topic, rig, batch_size=5) as member:
        await eventually(lambda: member.halted)
        await broker.send(*counts(topic, 5))
    assert len(member.halted) == 1
    assert await broker.committed(f"duaal.{group}") == {}
    assert rig.counted(Outcome.HANDLED) == 0


async def test_a_consumer_that_finds_no_broker_says_so_and_can_be_stopped() -> None:
    member = a_member(f"127.0.0.1:{ports.choose(['nobody'], {})['nobody']}", "g", ["t"], Rig(MemoryStore()))
    with pytest.raises(KafkaError):
        await member.consumer.start()
    assert member.health.not_ready == ["consumer"]
    await member.consumer.stop()


async def test_lag_and_progress_are_measured(broker: Broker, topic: str, group: str, postgres: PostgresStore) -> None:
    rig = Rig(postgres)
    await broker.send(*counts(topic, 5))
    labels = {"service": group, "topic": topic}
    async with consuming(broker, group, topic, rig) as member, watching(member):
        await handled(rig, 5)
        await eventually(lambda: rig.metrics.registry.get_sample_value("duaal_consumer_lag", labels) == 0)


@asynccontextmanager
async def watching(member: Member) -> AsyncIterator[None]:
    """Its lag is measured."""
    stop = asyncio.Event()
    task = asyncio.create_task(member.consumer.watch_lag(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_lag_is_measured_while_nothing_succeeds(
    broker: Broker, topic: str, group: str, postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.messaging.consumer.LAG_EVERY", 0.1)
    rig = Rig(Unreliable(postgres, refuses=1_000_000))
    await broker.send(*counts(topic, 5))
    labels = {"service": group, "topic": topic}
    async with consuming(broker, group, topic, rig) as member, watching(member):
        await eventually(lambda: rig.metrics.registry.get_sample_value("duaal_consumer_lag", labels) == 5)
        await broker.send(*counts(topic, 2))
        await eventually(lambda: rig.metrics.registry.get_sample_value("duaal_consumer_lag", labels) == 7)
        assert "dependency" in member.health.not_ready


async def test_a_lag_that_cannot_be_measured_is_absent_and_the_process_is_not_ready(
    broker: Broker, topic: str, group: str, postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.messaging.consumer.LAG_EVERY", 0.1)
    rig, labels = Rig(postgres), {"service": group, "topic": topic}
    async with consuming(broker, group, topic, rig) as member, watching(member):
        await eventually(lambda: rig.metrics.registry.get_sample_value("duaal_consumer_lag", labels) == 0)

        async def silence(_: object) -> None:
            raise KafkaError

        assert member.consumer._consumer
        monkeypatch.setattr(member.consumer._consumer, "end_offsets", silence)
        await eventually(lambda: rig.metrics.registry.get_sample_value("duaal_consumer_lag", labels) is None)
        assert member.health.not_ready == ["kafka"]


async def test_aborted_transactions_at_the_end_leave_no_lag(
    broker: Broker, topic: str, group: str, postgres: PostgresStore
) -> None:
    rig = Rig(postgres)
    async with consuming(broker, group, topic, rig):
        await broker.send(*counts(topic, 3))
        await handled(rig, 3)
        async with AIOKafkaProducer(bootstrap_servers=broker.servers, transactional_id=a_name("t")) as producer:
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"never happened", partition=0)
            await producer.abort_transaction()
        await eventually(lambda: broker.committed(f"duaal.{group}"), lambda found: found == {(topic, 0): 5})


async def test_a_topic_that_comes_later_is_read_within_seconds(
    broker: Broker, group: str, postgres: PostgresStore
) -> None:
    rig, topic = Rig(postgres), a_name("late")
    member = a_member(broker.servers, group, [topic], rig)
    joining = asyncio.create_task(member.consumer.start())
    try:
        await broker.make_topic(name=topic)
        await broker.send(*counts(topic, 2))
        await handled(rig, 2)
    finally:
        joining.cancel()
        await member.consumer.stop()


@pytest.mark.parametrize("committed", [True, False])
async def test_a_topic_that_is_deleted_and_made_again_is_read_from_its_beginning(
    broker: Broker, topic: str, group: str, postgres: PostgresStore, *, committed: bool
) -> None:
    rig = Rig(postgres)
    async with consuming(broker, group, topic, rig) as member:
        await broker.send(*counts(topic, 3))
        await handled(rig, 3)
        if committed:
            await eventually(lambda: broker.committed(f"duaal.{group}"), lambda found: found == {(topic, 0): 3})
        await broker.delete_topic(topic)
        # Made again at once, it could be taken for the same topic, and nobody would have to look for it.
        await eventually(lambda: not member.consumer._joined.assignment())
        await eventually(lambda: broker.make_topic(topic))
        await broker.send(*counts(topic, 2))
        await handled(rig, 5)


async def test_nothing_to_do_is_not_being_stuck_but_a_batch_without_end_is(
    broker: Broker, topic: str, group: str, postgres: PostgresStore
) -> None:
    store, later = Gated(postgres), [0.0]
    rig = Rig(store)
    member = a_member(broker.servers, group, [topic], rig)
    member.health.clock = lambda: time.monotonic() + later[0]
    await member.consumer.start()
    later[0] = 10_000
    await eventually(lambda: member.health.stuck == [])
    await broker.send(*counts(topic, 1))
    await eventually(lambda: store.waiting)
    later[0] = 20_000
    assert member.health.stuck == ["consumer"]
    store.gate.set()
    await eventually(lambda: member.health.stuck == [])
    await member.consumer.stop()
