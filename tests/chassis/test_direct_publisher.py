"""Events of new aggregates are published directly after the commit; when that fails, the relay publishes them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka.errors import KafkaError

from chassis.messaging.direct_publisher import DELETE_AFTER, MOST_AT_A_TIME, DirectPublisher
from chassis.messaging.producer import Answer, Ready
from chassis.messaging.relay import Relay
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.outbox_records import OutboxRecord
from chassis.persistence.outbox import Unpublished
from chassis.persistence.store import NewRows, Store
from chassis.process import now
from chassis.testing.builders import an_outbox_record
from chassis.testing.eventually import eventually
from chassis.testing.fakes import MemoryBroker, MemoryLead, MemoryProducer
from tests.chassis.tally import a_count
from tests.chassis.test_relay import append, left, of_key, on_partition
from tests.turns import turns


class SlowBroker(MemoryBroker):
    """A broker that appends what is sent, and answers only when `answer` is called."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = False
        self.unanswered: list[Answer] = []

    async def connect(self) -> MemoryProducer:
        self.producers.append(SlowProducer(self))
        return self.producers[-1]

    def answer(self) -> None:
        """Acknowledge everything that was sent."""
        for answer in self.unanswered:
            answer.set_result(None)
        self.unanswered = []


class SlowProducer(MemoryProducer):
    """A producer of the slow broker."""

    def __init__(self, broker: SlowBroker) -> None:
        super().__init__(broker)
        self._slow_broker = broker

    async def send(self, records: Sequence[OutboxRecord]) -> list[Answer | None]:
        if not self._slow_broker.slow:
            return await super().send(records)
        answers: list[Answer] = [asyncio.get_running_loop().create_future() for _ in records]
        self._slow_broker.log += records
        self._slow_broker.unanswered += answers
        return [*answers]


class Office:
    """A process with a relay that publishes a batch when `round` is called, and that commits new aggregates."""

    def __init__(self, store: Store, broker: MemoryBroker) -> None:
        self.store = store
        self.broker = broker
        self.metrics = Metrics()
        self.lead = MemoryLead(store)
        self.relay = Relay("tally", self.lead, broker.connect, self.metrics, Health(), now=now, hold=0.1)

    async def open(self) -> "Office":
        """Let the relay publish a first batch: from then on events are published directly."""
        await append(self.store, an_outbox_record(a_count()))
        assert await self.round() == 1
        self.broker.log.clear()
        return self

    async def round(self) -> int:
        """Publish one batch."""
        return await self.relay.round(self.lead)

    async def commit(self, *records: OutboxRecord) -> None:
        """Commit outbox records of new aggregates."""
        async with self.relay.publisher.publish_after(records):
            await self.store.insert(NewRows({}, records, []))

    @property
    def published(self) -> float | None:
        """The number of published records, according to the metric."""
        labels = {"service": "tally", "topic": "duaal.tally.counts"}
        return self.metrics.registry.get_sample_value("duaal_published_total", labels)


@pytest.fixture
async def office(store: Store) -> Office:
    return await Office(store, SlowBroker()).open()


@pytest.fixture
def broker(office: Office) -> SlowBroker:
    assert isinstance(office.broker, SlowBroker)
    return office.broker


def outbox_record(id_: UUID | None = None, sequence: int = 1) -> OutboxRecord:
    return an_outbox_record(a_count(id_), sequence)


async def test_new_events_are_published_at_once_and_their_rows_deleted_when_acknowledged(office: Office) -> None:
    records = [outbox_record(), outbox_record()]
    await office.commit(*records)
    await eventually(lambda: len(office.relay.publisher.acknowledged) == 2)
    assert office.broker.log == records
    assert await left(office.store) == 2
    assert await office.round() == 0
    assert await left(office.store) == 0
    assert (office.broker.log, office.published) == (records, 3)


async def test_during_the_commit_batches_are_built_but_not_sent(office: Office) -> None:
    packed: list[OutboxRecord] = []
    producer = office.broker.producers[0]

    async def pack(records: Sequence[OutboxRecord]) -> Ready:
        packed.extend(records)
        return partial(producer.send, records)

    record = outbox_record()
    vars(producer)["pack"] = pack
    async with office.relay.publisher.publish_after([record]):
        await eventually(lambda: packed == [record])
        assert office.broker.log == []
    await eventually(lambda: office.broker.log == [record])


async def test_what_is_not_committed_is_not_published(office: Office) -> None:
    with suppress(ConnectionResetError):
        async with office.relay.publisher.publish_after([outbox_record()]):
            raise ConnectionResetError
    await office.round()
    assert office.broker.log == []


async def test_the_relay_looks_once_for_all_that_arrives_within_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    moments: list[Callable[[], None]] = []
    loop = asyncio.get_running_loop()
    usual = loop.call_later

    def call_later(delay: float, callback: Callable[..., None], *arguments: Any) -> asyncio.TimerHandle:
        if delay != DELETE_AFTER:
            return usual(delay, callback, *arguments)
        moments.append(callback)
        return asyncio.TimerHandle(0, callback, (), loop)

    monkeypatch.setattr(loop, "call_later", call_later)
    looks: list[int] = []
    publisher = DirectPublisher(lambda: looks.append(len(publisher.acknowledged)), lambda _: None)
    publisher.open(await MemoryBroker().connect())

    async def commit_five() -> None:
        for _ in range(5):
            async with publisher.publish_after([outbox_record()]):
                pass

    def arrived(number: int) -> bool:
        return len(publisher.acknowledged) == number

    for acknowledged in (5, 10):
        await commit_five()
        await eventually(partial(arrived, acknowledged))
        (moment_is_over,) = moments
        assert acknowledged not in looks
        moment_is_over()
        moments.clear()
    assert looks == [5, 10]


async def test_without_events_nothing_is_sent(office: Office) -> None:
    await office.commit()
    await turns()
    assert not office.relay.publisher.broken
    assert office.broker.log == []


async def test_when_sending_fails_the_relay_publishes_it(office: Office) -> None:
    async def send(_: object) -> list[Answer | None]:
        raise KafkaError

    record = outbox_record()
    vars(office.broker.producers[0])["send"] = send
    await office.commit(record)
    await eventually(lambda: office.relay.publisher.broken)
    await office.round()
    assert office.broker.log == [record]


async def test_after_a_commit_with_unknown_outcome_the_relay_publishes_it(office: Office) -> None:
    record = outbox_record()
    with suppress(ConnectionResetError):
        async with office.relay.publisher.publish_after([record]):
            await office.store.insert(NewRows({}, [record], []))
            raise ConnectionResetError
    await turns()
    assert office.broker.log == []
    await office.round()
    assert office.broker.log == [record]


async def test_a_crash_before_the_row_is_deleted_sends_again_with_the_same_id(office: Office) -> None:
    record = outbox_record()
    await office.commit(record)
    await eventually(lambda: office.relay.publisher.acknowledged)
    await Office(office.store, office.broker).round()
    assert office.broker.log == [record, record]


async def test_the_relay_skips_keys_that_are_being_published_directly(office: Office, broker: SlowBroker) -> None:
    id_ = uuid4()
    broker.slow = True
    await office.commit(outbox_record(id_))
    await eventually(lambda: broker.unanswered)
    broker.slow = False
    other = outbox_record()
    await append(office.store, outbox_record(id_, 2), other)
    assert await office.round() == 1
    assert broker.log[1:] == [other]
    broker.answer()
    await eventually(lambda: office.relay.publisher.acknowledged)
    assert await office.round() == 1
    assert of_key(broker.log, id_) == [1, 2]
    assert await left(office.store) == 0


async def test_what_the_broker_refuses_comes_with_a_fresh_producer_in_its_order(office: Office) -> None:
    bad, good = on_partition(0), on_partition(1)
    office.broker.refuses = {bad}
    await office.commit(outbox_record(bad), outbox_record(bad, 2), outbox_record(good))
    await eventually(lambda: office.relay.publisher.broken)
    office.broker.refuses = set()
    await office.round()
    assert office.broker.producers[0].stopped
    assert (of_key(office.broker.log, bad), of_key(office.broker.log, good)) == ([1, 2], [1])
    assert await left(office.store) == 0


async def test_after_a_failure_nothing_follows_through_the_same_producer(office: Office) -> None:
    bad = on_partition(0)
    office.broker.refuses = {bad}
    await office.commit(outbox_record(bad))
    await eventually(lambda: office.relay.publisher.broken)
    await office.commit(outbox_record(on_partition(1)))
    await turns()
    assert office.broker.log == []


async def test_who_does_not_lead_sends_nothing(store: Store) -> None:
    broker = MemoryBroker()
    await Office(store, broker).commit(outbox_record())
    await turns()
    assert broker.log == []
    assert await left(store) == 1


async def test_more_than_the_broker_takes_at_once_waits_for_the_relay(office: Office, broker: SlowBroker) -> None:
    broker.slow = True
    for _ in range(MOST_AT_A_TIME + 2):
        await office.commit(outbox_record())
        await asyncio.sleep(0)
    await eventually(lambda: len(broker.log) == MOST_AT_A_TIME)
    broker.slow = False
    assert await office.round() == 2


async def test_those_that_commit_at_the_same_time_are_counted_too(office: Office, broker: SlowBroker) -> None:
    broker.slow = True
    records = [outbox_record() for _ in range(MOST_AT_A_TIME + 2)]
    await append(office.store, *records)
    all_of_them = asyncio.Barrier(len(records))

    async def commit(record: OutboxRecord) -> None:
        async with office.relay.publisher.publish_after([record]):
            await all_of_them.wait()

    await asyncio.gather(*map(commit, records))
    await eventually(lambda: len(broker.log) >= MOST_AT_A_TIME)
    assert broker.log == records[:MOST_AT_A_TIME]


@pytest.mark.parametrize("turns", range(8))
async def test_when_the_producer_is_dropped_before_the_send_the_relay_publishes_it(office: Office, turns: int) -> None:
    """The producer is dropped in the same turn of the event loop as the end of the commit, or in one close to it."""
    record = outbox_record()

    async def commit() -> None:
        async with office.relay.publisher.publish_after([record]):
            await office.store.insert(NewRows({}, [record], []))
            for _ in range(turns):
                await asyncio.sleep(0)

    await asyncio.gather(commit(), office.relay._drop_producer())
    await office.round()
    assert await left(office.store) == 0
    assert record in office.broker.log


async def test_what_fails_while_the_relay_looks_gets_a_fresh_producer(office: Office, broker: SlowBroker) -> None:
    broker.slow = True
    await office.commit(outbox_record())
    await eventually(lambda: broker.unanswered)
    broker.slow = False
    looked = office.lead.unpublished

    async def look(*arguments: Any) -> list[Unpublished]:
        found = await looked(*arguments)
        for answer in broker.unanswered:
            answer.set_exception(KafkaError())
        await eventually(lambda: office.relay.publisher.broken)
        return found

    vars(office.lead)["unpublished"] = look
    await office.round()
    assert [producer.stopped for producer in broker.producers] == [True, False]


@asynccontextmanager
async def stopping(office: Office) -> AsyncIterator[None]:
    """Run the relay, and stop it at the end."""
    stop = asyncio.Event()
    running = asyncio.create_task(office.relay.run(stop))
    try:
        yield
    finally:
        stop.set()
        office.relay.wake()
        await running


async def test_stopping_waits_for_what_is_under_way(office: Office, broker: SlowBroker) -> None:
    record = outbox_record()
    async with stopping(office):
        broker.slow = True
        await office.commit(record)
        await eventually(lambda: broker.unanswered)
        asyncio.get_running_loop().call_later(0.05, broker.answer)
    assert broker.log == [record]
    assert await left(office.store) == 0


async def test_the_rows_of_what_arrived_go_by_themselves(office: Office) -> None:
    async with stopping(office):
        await office.commit(outbox_record())
        await eventually(lambda: left(office.store), lambda number: number == 0)
    assert len(office.broker.log) == 1
