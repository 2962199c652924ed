"""The relay publishes the outbox in order per key, from one process at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from os import urandom
from typing import Protocol
from uuid import UUID, uuid4

import asyncpg
import pytest
from asyncpg import TooManyConnectionsError

from chassis.messaging.producer import Producer
from chassis.messaging.relay import Lead, Relay
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.outbox_records import LARGEST, OutboxRecord
from chassis.persistence.leadership import Leadership
from chassis.persistence.outbox import PostgresOutbox
from chassis.persistence.store import PostgresStore, Store
from chassis.process import now
from chassis.testing.builders import END_OF_TIME, an_outbox_record
from chassis.testing.eventually import eventually
from chassis.testing.fakes import MemoryBroker, MemoryLead, MemoryProducer, MemoryStore
from contracts.envelope import encoded
from deploy.local.stack import Stack
from tests.chassis.broker import Broker
from tests.chassis.conftest import Unreliable
from tests.chassis.tally import a_count


class Connects(Protocol):
    """A broker, real or in memory."""

    async def connect(self) -> Producer:
        """A fresh producer."""
        ...


def a_relay(broker: Connects, lead: Lead, metrics: Metrics | None = None, hold: float = 0.1) -> Relay:
    return Relay("tally", lead, broker.connect, metrics or Metrics(), Health(), now=now, hold=hold)


class Turns:
    """A relay that publishes one batch for each call of `round`."""

    def __init__(self, store: Store, broker: Connects, hold: float = 0.1) -> None:
        self._lead = MemoryLead(store)
        self._relay = a_relay(broker, self._lead, hold=hold)

    async def round(self) -> int:
        """Publish one batch."""
        return await self._relay.round(self._lead)


def outbox_records(*ids: UUID, each: int = 1) -> list[OutboxRecord]:
    """Outbox records of these aggregates, in turns."""
    return [an_outbox_record(a_count(id_), number) for number in range(1, each + 1) for id_ in ids]


async def append(store: Store, *records: OutboxRecord) -> None:
    async with store.transaction() as transaction:
        await transaction.outbox.append(records)


async def left(store: Store) -> int:
    async with store.transaction() as transaction:
        return len(await transaction.outbox.unpublished(10_000, END_OF_TIME))


async def held_for(store: PostgresStore) -> list[str]:
    """The errors of the records that are held."""
    async with store.transaction() as transaction:
        rows = await transaction.connection.fetch("select error from outbox where error is not null")
    return [row["error"] for row in rows]


def of_key(records: list[OutboxRecord], id_: UUID) -> list[int]:
    """The sequence numbers of one aggregate, in the order of the records."""
    return [record.sequence for record in records if record.aggregate_id == id_]


def on_partition(number: int) -> UUID:
    """A key of this partition of the broker in memory."""
    return UUID(int=uuid4().int // MemoryBroker.PARTITIONS * MemoryBroker.PARTITIONS + number)


async def test_the_outbox_is_published_in_order_and_deleted(store: Store) -> None:
    broker = MemoryBroker()
    made = outbox_records(uuid4(), uuid4(), uuid4(), each=5)
    await append(store, *made)
    assert await Turns(store, broker).round() == 15
    assert broker.log == made
    assert await left(store) == 0


async def test_nothing_is_published_twice_when_nothing_goes_wrong(store: Store) -> None:
    broker = MemoryBroker()
    relay = Turns(store, broker)
    await append(store, *outbox_records(uuid4()))
    assert [await relay.round(), await relay.round()] == [1, 0]
    assert len(broker.log) == 1


async def test_a_crash_between_sending_and_deleting_sends_again_with_the_same_id(store: Store) -> None:
    broker = MemoryBroker()
    await append(store, *outbox_records(uuid4(), each=3))
    with pytest.raises(TooManyConnectionsError):
        await Turns(Unreliable(store, passes=1, breaks=1), broker).round()
    assert len(broker.log) == await left(store) == 3
    await Turns(store, broker).round()
    assert broker.log[:3] == broker.log[3:]
    assert await left(store) == 0


async def test_a_refused_key_is_held_and_the_others_go_on(store: Store) -> None:
    broker = MemoryBroker()
    bad, good = on_partition(0), on_partition(1)
    broker.refuses = {bad}
    relay = Turns(store, broker)
    await append(store, *outbox_records(bad, good, each=3))
    await relay.round()
    assert of_key(broker.log, good) == [1, 2, 3]
    assert of_key(broker.log, bad) == []
    assert await left(store) == 3


async def test_what_comes_after_a_refused_record_does_not_overtake_it(store: Store) -> None:
    broker = MemoryBroker()
    bad = on_partition(0)
    broker.refuses = {bad}
    relay = Turns(store, broker)
    await append(store, *outbox_records(bad, each=2))
    await relay.round()
    broker.refuses = set()
    await append(store, an_outbox_record(a_count(bad), 3))
    await eventually(relay.round, lambda published: published)
    assert of_key(broker.log, bad) == [1, 2, 3]
    assert await left(store) == 0


async def test_a_key_that_shares_its_partition_with_a_refused_one_gets_through_all_the_same() -> None:
    store, broker = MemoryStore(), MemoryBroker()
    bad, neighbour = on_partition(0), on_partition(0)
    broker.refuses = {bad}
    relay = Turns(store, broker)
    await append(store, *outbox_records(bad, neighbour, each=2))
    await eventually(relay.round, lambda _: of_key(broker.log, neighbour) == [1, 2])
    assert of_key(broker.log, bad) == []


async def test_after_a_failed_send_the_producer_is_replaced() -> None:
    store, broker = MemoryStore(), MemoryBroker()
    bad = on_partition(0)
    broker.refuses = {bad}
    relay = Turns(store, broker, hold=60)
    await append(store, *outbox_records(bad))
    await relay.round()
    await append(store, *outbox_records(on_partition(0)))
    await relay.round()
    assert [producer.stopped for producer in broker.producers] == [True, False]
    assert len(broker.log) == 1


async def test_what_commits_late_is_published_late_and_not_skipped(postgres: PostgresStore) -> None:
    broker = MemoryBroker()
    relay = Turns(postgres, broker)
    late, early = outbox_records(uuid4(), uuid4())
    async with postgres.transaction() as slow:
        await slow.outbox.append([late])
        await append(postgres, early)
        await relay.round()
        assert broker.log == [early]
    await relay.round()
    assert broker.log == [early, late]


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.create_task(relay.run(stop))
    try:
        yield task
    finally:
        stop.set()
        relay.wake()
        if not task.cancelled():
            await task


ADVISORY_LOCKS = (
    "select count(*) from pg_locks l join pg_database d on d.oid = l.database "
    "where locktype = 'advisory' and d.datname = current_database()"
)


def leads(metrics: Metrics) -> bool:
    return metrics.registry.get_sample_value("duaal_relay_is_leader", {"service": "tally"}) == 1


@pytest.fixture
async def admin(stack: Stack, tally_database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A superuser's connection to tally's database, which may end other connections."""
    name = tally_database.rsplit("/", 1)[-1]
    connection = await asyncpg.connect(stack.postgres.admin_url, database=name)
    yield connection
    await connection.close()


async def end_the_leader(admin: "asyncpg.Connection[asyncpg.Record]") -> None:
    ended = await admin.fetch(
        "select pg_terminate_backend(pid) from pg_locks l join pg_database d on d.oid = l.database "
        "where locktype = 'advisory' and granted and d.datname = current_database() and pid <> pg_backend_pid()"
    )
    assert len(ended) == 1, "there was not exactly one leader"


async def test_a_running_relay_publishes_what_comes(postgres: PostgresStore, tally_database: str) -> None:
    broker = MemoryBroker()
    relay = a_relay(broker, Leadership(tally_database, "relay"))
    async with running(relay):
        await append(postgres, *outbox_records(uuid4()))
        await eventually(lambda: len(broker.log) == 1)
        await append(postgres, *outbox_records(uuid4()))
        relay.wake()
        await eventually(lambda: len(broker.log) == 2)


class Counting(Leadership):
    """Counts the queries of the outbox."""

    looks = 0

    async def outbox(self) -> PostgresOutbox | None:
        self.looks += 1
        return await super().outbox()


async def test_one_record_is_one_query_of_the_outbox(
    postgres: PostgresStore, tally_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.messaging.relay.SHORTEST_POLL", 60)
    broker, lead = MemoryBroker(), Counting(tally_database, "relay")
    relay = a_relay(broker, lead)
    await append(postgres, *outbox_records(uuid4()))
    async with running(relay):
        for published in (1, 2, 3):
            await eventually(lambda: left(postgres), lambda number: number == 0)
            # One look too many after the first promise is seen after the second at the latest.
            assert (lead.looks, len(broker.log)) == (published, published)
            await append(postgres, *outbox_records(uuid4()))
            relay.wake()


SCANS = "select seq_scan from pg_stat_xact_user_tables where relname = 'outbox'"
"""Sequential scans of the outbox by this transaction. Those of other sessions reach the statistics only later."""


async def test_it_never_reads_through_all_rows_that_were_deleted(postgres: PostgresStore, tally_database: str) -> None:
    """Without care PostgreSQL keeps the plan that it made when the table was empty."""
    lead = Leadership(tally_database, "relay")
    outbox = await lead.outbox()
    assert outbox
    async with outbox._connection.transaction():
        for _ in range(10):
            await append(postgres, *outbox_records(uuid4()))
            await outbox.published([one.position for one in await outbox.unpublished(100, now())])
        scans = await outbox._connection.fetchval(SCANS)
    await lead.release()
    assert scans == 0


async def test_stopping_publishes_what_is_left_and_gives_the_lead_away(
    postgres: PostgresStore, tally_database: str, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    broker = MemoryBroker()
    await append(postgres, *outbox_records(uuid4(), each=2_500))
    stop = asyncio.Event()
    stop.set()
    await a_relay(broker, Leadership(tally_database, "relay")).run(stop)
    assert len(broker.log) == 2_500
    assert await left(postgres) == 0
    assert broker.producers[0].stopped
    await eventually(lambda: admin.fetchval(ADVISORY_LOCKS), lambda number: number == 0)


async def test_a_relay_that_lost_the_lead_publishes_no_more(
    postgres: PostgresStore, tally_database: str, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    broker, metrics = MemoryBroker(), Metrics()
    relay = a_relay(broker, Leadership(tally_database, "relay"), metrics)
    async with running(relay):
        await eventually(lambda: leads(metrics))
        usurper = await asyncpg.connect(tally_database)
        waiting = asyncio.create_task(usurper.fetchval("select pg_advisory_lock(hashtextextended('relay', 0))"))
        await eventually(lambda: admin.fetchval(f"{ADVISORY_LOCKS} and not granted"))
        await end_the_leader(admin)
        await waiting
        await append(postgres, *outbox_records(uuid4()))
        relay.wake()
        await eventually(lambda: not leads(metrics))
        assert broker.log == []
        await usurper.close()
        await eventually(lambda: len(broker.log) == 1)


async def test_of_two_relays_one_leads_and_the_other_takes_over_when_its_connection_dies(
    postgres: PostgresStore, tally_database: str, admin: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    brokers, metrics = [MemoryBroker(), MemoryBroker()], [Metrics(), Metrics()]
    first, second = (a_relay(b, Leadership(tally_database, "relay"), m) for b, m in zip(brokers, metrics, strict=True))
    hung = asyncio.create_task(first.run(asyncio.Event()))
    await eventually(lambda: leads(metrics[0]))
    async with running(second):
        await append(postgres, *outbox_records(uuid4(), each=50))
        await eventually(lambda: left(postgres), lambda number: number == 0)
        assert (len(brokers[0].log), len(brokers[1].log), leads(metrics[1])) == (50, 0, False)
        hung.cancel()
        await end_the_leader(admin)
        await append(postgres, *outbox_records(uuid4()))
        await eventually(lambda: len(brokers[1].log) == 1)
        assert leads(metrics[1])


class ComesUpLate(MemoryBroker):
    """Refuses the first two connections."""

    refuses_connections = 2

    async def connect(self) -> MemoryProducer:
        """A producer, from the third call on."""
        if self.refuses_connections:
            self.refuses_connections -= 1
            raise ConnectionRefusedError
        return await super().connect()


async def test_it_waits_for_a_broker_that_is_not_there(postgres: PostgresStore, tally_database: str) -> None:
    broker, metrics = ComesUpLate(), Metrics()
    await append(postgres, *outbox_records(uuid4()))
    async with running(a_relay(broker, Leadership(tally_database, "relay"), metrics)):
        await eventually(lambda: len(broker.log) == 1)
        await eventually(lambda: leads(metrics))


async def test_on_real_servers_every_record_arrives_once_and_in_order(
    postgres: PostgresStore, tally_database: str, broker: Broker
) -> None:
    topic = await broker.make_topic(partitions=3)
    ids = [uuid4() for _ in range(7)]
    made = [record._replace(topic=topic) for record in outbox_records(*ids, each=60)]
    relay = a_relay(broker, Leadership(tally_database, "relay"))
    async with running(relay):
        await append(postgres, *made[:200])
        await append(postgres, *made[200:])
        relay.wake()
        await eventually(lambda: left(postgres), lambda number: number == 0)
    arrived = await broker.read(topic)
    assert len(arrived) == len(made)
    for id_ in ids:
        mine = [record for record in arrived if record.key == str(id_).encode()]
        assert [(list(r.headers), r.value) for r in mine] == [
            (encoded(r.headers), r.value) for r in made if r.aggregate_id == id_
        ]
        assert len({record.partition for record in mine}) == 1


async def test_on_real_servers_a_record_that_is_refused_stops_only_its_own_key(
    postgres: PostgresStore, tally_database: str, broker: Broker
) -> None:
    topic = await broker.make_topic(config={"max.message.bytes": "20000"})
    good, bad, other = uuid4(), uuid4(), uuid4()
    made = [record._replace(topic=topic) for record in outbox_records(good, bad, other, each=2)]
    made[1] = made[1]._replace(value=urandom(50_000))
    await append(postgres, *made)
    async with running(a_relay(broker, Leadership(tally_database, "relay"), hold=1)):
        await eventually(lambda: left(postgres), lambda number: number == 2)
    arrived = [record.key.decode() for record in await broker.read(topic)]
    assert sorted(arrived) == sorted([str(good), str(other)] * 2)


async def test_on_real_servers_what_does_not_fit_in_one_batch_follows_in_order_and_at_once(
    postgres: PostgresStore, tally_database: str, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.messaging.relay.SHORTEST_POLL", 60)
    topic = await broker.make_topic(partitions=1)
    ids = [uuid4(), uuid4()]
    made = [record._replace(topic=topic, value=urandom(200_000)) for record in outbox_records(*ids, each=4)]
    made[3] = made[3]._replace(value=urandom(LARGEST))
    await append(postgres, *made)
    async with running(a_relay(broker, Leadership(tally_database, "relay"))):
        await eventually(lambda: left(postgres), lambda number: number == 0)
    arrived = await broker.read(topic)
    assert len(arrived) == len(made)
    for id_ in ids:
        mine = [record.value for record in arrived if record.key == str(id_).encode()]
        assert mine == [record.value for record in made if record.aggregate_id == id_]


async def test_on_real_servers_a_topic_that_is_not_there_stops_only_its_own_records(
    postgres: PostgresStore, tally_database: str, broker: Broker
) -> None:
    topic = await broker.make_topic()
    lost, found = outbox_records(uuid4(), uuid4())
    await append(postgres, lost._replace(topic="duaal.nowhere"), found._replace(topic=topic))
    async with running(a_relay(broker, Leadership(tally_database, "relay"), hold=60)):
        await eventually(lambda: left(postgres), lambda number: number == 1)
        await eventually(lambda: held_for(postgres), lambda errors: errors == ["TimeoutError"])


async def test_a_key_that_is_held_stays_so_for_the_next_relay(store: Store) -> None:
    broker = MemoryBroker()
    bad, good = on_partition(0), on_partition(1)
    broker.refuses = {bad}
    await append(store, *outbox_records(bad, each=2))
    relay = Turns(store, broker, hold=60)
    await relay.round()
    broker.refuses = set()
    await append(store, *outbox_records(good))
    await Turns(store, broker).round()
    assert [record.aggregate_id for record in broker.log] == [good]
