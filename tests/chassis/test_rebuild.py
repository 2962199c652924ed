"""A projection made again on a real Kafka and PostgreSQL is the one that was there, also while events come in."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.messaging.rebuild import CannotRebuild, Rebuild, Rebuilt
from chassis.messaging.topic_creation import create_topics
from chassis.persistence.connection import Pool
from chassis.persistence.dead_letters import Closed
from chassis.persistence.table_swap import TableSwap
from chassis.record import Outcome, Record
from chassis.testing.builders import a_record
from chassis.testing.eventually import eventually
from chassis.testing.harness import ServiceUnderTest
from contracts.event import Event
from contracts.intake import WorkplaceRegistered
from deploy.local.stack import Stack
from services.pof.app import build as pof
from services.pof.projections.workplace import RegisteredWorkplace
from services.pof.settings import PofSettings
from tests.builders import a_workplace
from tests.chassis import odd_producer
from tests.chassis.broker import Broker, a_name
from tests.chassis.conftest import Rig, postgres_store
from tests.chassis.tally import SIGHTS, SIGHTS_OF_TALLIES, Moved, Seen, Ticked
from tests.chassis.test_consumer_on_kafka import consuming
from tests.chassis.test_projections import NoHandlers, a_sight, moved, ticked_on
from tests.conftest import ROOT, Databases

PARTITIONS = 3


class Sights:
    """A service that only projects, its topic, and what it is to be compared with."""

    def __init__(self, broker: Broker, pool: Pool, service: str, topic: str) -> None:
        self.broker = broker
        self.pool = pool
        self.service = service
        self.topic = topic
        self.rig = Rig(postgres_store(pool, service), handlers=NoHandlers(), projections=[SIGHTS_OF_TALLIES])

    def records(self, *events: Event) -> list[Record]:
        """Each in the partition of its key."""
        at = [event.aggregate_id.int % PARTITIONS for event in events]
        return [
            a_record(event)._replace(topic=self.topic, partition=partition)
            for event, partition in zip(events, at, strict=True)
        ]

    async def send(self, *events: Event) -> list[Record]:
        records = self.records(*events)
        await self.broker.send(*records)
        return records

    async def handle_all(self, number: int) -> None:
        """Consume until so many were handled, and commit."""
        async with consuming(self.broker, self.service, self.topic, self.rig):
            await eventually(lambda: self.rig.counted(Outcome.HANDLED), lambda handled: handled >= number)

    async def stored(self) -> list[Record]:
        """What is in the topic, as a consumer gets it."""
        return [
            Record(one.topic, one.partition, one.offset, one.key, one.headers, one.value)
            for one in await self.broker.read(self.topic)
        ]

    async def rebuild(self) -> Rebuilt:
        return await Rebuild(
            self.service, SIGHTS_OF_TALLIES, SIGHTS, self.pool, self.broker.servers, topic=self.topic
        ).run()

    async def rows(self) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.pool.fetch("select * from sights order by id")]

    async def table(self) -> int:
        """Which table it is, whatever its name."""
        found: int = await self.pool.fetchval("select 'sights'::regclass::oid::bigint")
        return found


@pytest.fixture
async def sights(broker: Broker, pool: Pool) -> Sights:
    return Sights(broker, pool, a_name("sights"), await broker.make_topic(partitions=PARTITIONS))


def some_events(number: int, keys: int = 30, seed: int = 1) -> list[Event]:
    chance = Random(seed)
    ids = [UUID(int=at) for at in range(1, keys + 1)]

    def event() -> Event:
        id_, what = chance.choice(ids), chance.randrange(3)
        if what == 0:
            return a_sight(id_, chance.randrange(-5, 100), chance.choice("abc"))
        return (
            moved(id_, chance.choice("abc")) if what == 1 else ticked_on(date(2026, 11, chance.randrange(1, 30)), id_)
        )

    return [event() for _ in range(number)]


async def test_the_new_table_is_the_old_one(sights: Sights) -> None:
    records = await sights.send(*some_events(400))
    # A relay that lost its lead without noticing sends some of it again, after what came later.
    await sights.broker.send(*records[:150])
    await sights.handle_all(400)
    rows, table = await sights.rows(), await sights.table()
    assert len(rows) == 30
    done = await sights.rebuild()
    assert (await sights.rows(), done.rows, done.events) == (rows, 30, 400)
    assert await sights.table() != table


async def test_the_new_table_has_the_names_of_the_old_one_and_can_be_made_again(sights: Sights, pool: Pool) -> None:
    query = "select indexname, indexdef from pg_indexes where tablename like 'sights%' order by 1"
    before = await pool.fetch(query)
    for _ in range(2):
        await sights.rebuild()
        assert await pool.fetch(query) == before
    assert await pool.fetchval("select count(*) from pg_tables where tablename like 'sights%'") == 1


async def test_events_that_come_meanwhile_are_neither_lost_nor_written_to_the_table_that_goes(
    sights: Sights, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap, late = TableSwap.swap, a_sight(UUID(int=999), 7)

    async def while_somebody_waits(self: TableSwap) -> None:
        await sights.send(late)
        await eventually(lambda: pool.fetchval("select count(*) from pg_locks where not granted"))
        await swap(self)

    monkeypatch.setattr(TableSwap, "swap", while_somebody_waits)
    await sights.send(*some_events(50))
    async with consuming(sights.broker, sights.service, sights.topic, sights.rig):
        await eventually(lambda: sights.rig.counted(Outcome.HANDLED), lambda handled: handled >= 50)
        await sights.rebuild()
        await eventually(lambda: sights.rig.counted(Outcome.HANDLED), lambda handled: handled == 51)
    assert (UUID(int=999), "a", 7, None, None) in await sights.rows()
    assert len(await sights.rows()) > 1


async def test_while_it_is_made_again_and_again_events_keep_coming_and_none_is_missed(sights: Sights) -> None:
    events = some_events(3_000, keys=300)
    seen, parts = {type(event) for event in events}, [events[at : at + 60] for at in range(0, len(events), 60)]
    assert seen == {Seen, Moved, Ticked}
    async with consuming(sights.broker, sights.service, sights.topic, sights.rig, batch_size=20):

        async def keep_coming() -> None:
            for part in parts:
                await sights.send(*part)

        coming = asyncio.create_task(keep_coming())
        rebuilt = 0
        while not coming.done() or sights.rig.counted(Outcome.HANDLED) < len(events):
            await sights.rebuild()
            rebuilt += 1
    assert rebuilt > 1
    assert await sights.rows() == await the_rows_of(sights, events)


async def the_rows_of(sights: Sights, events: Sequence[Event]) -> list[tuple[Any, ...]]:
    """The rows that these events give, one after the other."""
    await sights.pool.execute("delete from sights; delete from inbox")
    await sights.rig.deliver(*sights.records(*events))
    return await sights.rows()


async def test_of_what_kafka_does_not_know_to_be_decided_the_inbox_says_what_is_in_the_table(sights: Sights) -> None:
    events = some_events(60)
    await sights.send(*events[:20])
    await sights.handle_all(20)
    decided = await sights.broker.committed(f"duaal.{sights.service}")
    await sights.send(*events[20:])
    rest = [one for one in await sights.stored() if one.offset >= decided[one.topic, one.partition]]
    # The process died before it told Kafka of these.
    await sights.rig.deliver(*rest[:25])
    rows = await sights.rows()
    assert (await sights.rebuild()).events == 45
    assert await sights.rows() == rows
    await sights.handle_all(60)
    assert await sights.rows() == await the_rows_of(sights, events)


async def test_a_projection_that_is_new_gets_the_past_that_nobody_handled(sights: Sights, pool: Pool) -> None:
    await sights.send(*some_events(60))
    before = Rig(postgres_store(pool, sights.service), handlers=NoHandlers())
    async with consuming(sights.broker, sights.service, sights.topic, before):
        await eventually(lambda: before.counted(Outcome.IGNORED), lambda ignored: ignored == 60)
    assert await sights.rows() == []
    await sights.rebuild()
    assert await sights.rows() == await the_rows_of(sights, some_events(60))


async def test_what_was_set_aside_is_in_neither_table_and_redriven_into_the_new_one(sights: Sights) -> None:
    bad = sights.records(a_sight(UUID(int=3)))[0]._replace(value=b"not JSON")
    first, *others = sights.records(a_sight(UUID(int=3)), moved(UUID(int=3)), a_sight(UUID(int=6)))
    await sights.broker.send(first, bad, *others)
    await sights.handle_all(2)
    rows = await sights.rows()
    done = await sights.rebuild()
    assert (await sights.rows(), done.events, done.set_aside, done.unreadable) == (rows, 2, 2, 0)

    async with sights.rig.store.transaction() as transaction:
        letter, parked = await transaction.dead_letters.list_open()
        await transaction.dead_letters.close(letter.id, Closed.DISCARDED, "me", "not JSON")
    assert (await sights.rebuild()).set_aside == 2
    assert await sights.rig.pipeline.redrive(parked, "me") is Outcome.HANDLED
    assert (await sights.rows())[0][1] == "b"
    rows = await sights.rows()
    assert (await sights.rebuild()).set_aside == 1
    assert await sights.rows() == rows


async def test_a_dead_letter_that_is_redriven_meanwhile_is_not_lost(
    sights: Sights, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bad,) = sights.records(a_sight())
    await sights.broker.send(bad._replace(value=b"not JSON"), *sights.records(moved()))
    async with consuming(sights.broker, sights.service, sights.topic, sights.rig):
        letters = await eventually(sights.rig.letters, lambda found: len(found) == 2)
    table, locked = await sights.table(), TableSwap.locked

    @asynccontextmanager
    async def after_a_redrive(self: TableSwap) -> AsyncIterator[None]:
        async with sights.rig.store.transaction() as transaction:
            await transaction.dead_letters.close(letters[0].id, Closed.REDRIVEN, "me", "HANDLED")
        async with locked(self):
            yield

    monkeypatch.setattr(TableSwap, "locked", after_a_redrive)
    with pytest.raises(CannotRebuild, match="redriven meanwhile"):
        await sights.rebuild()
    assert await sights.table() == table


async def test_rows_whose_events_kafka_no_longer_has_are_taken_over(sights: Sights) -> None:
    early, late = UUID(int=3), UUID(int=6)  # both in partition 0
    await sights.send(
        a_sight(early, 1), a_sight(late, 1), ticked_on(date(2026, 11, 1), late), moved(early), a_sight(late, 2)
    )
    await sights.handle_all(5)
    rows = await sights.rows()
    await sights.broker.expire(sights.topic, 0, 3)
    done = await sights.rebuild()
    assert (await sights.rows(), done.taken_over) == (rows, 1)


@pytest.mark.parametrize("partition", range(PARTITIONS))
async def test_a_record_that_nobody_can_decode_costs_no_neighbour(sights: Sights, partition: int) -> None:
    good = [a_sight(UUID(int=at)) for at in range(1, 40)]
    await sights.send(*good[:20])
    odd_producer.send(sights.broker.servers, sights.topic, partition)
    await sights.send(*good[20:])
    await sights.handle_all(39)
    rows = await sights.rows()
    assert len(rows) == 39
    done = await sights.rebuild()
    assert (await sights.rows(), done.set_aside) == (rows, 1)


async def test_two_at_once_do_not_get_in_each_others_way(sights: Sights, monkeypatch: pytest.MonkeyPatch) -> None:
    make, refused = TableSwap.make, list[CannotRebuild]()

    async def and_another(self: TableSwap) -> None:
        with pytest.raises(CannotRebuild, match="another rebuild of sights is running") as caught:
            await sights.rebuild()
        refused.append(caught.value)
        await make(self)

    monkeypatch.setattr(TableSwap, "make", and_another)
    await sights.rebuild()
    assert len(refused) == 1


async def test_the_command_makes_a_projection_of_a_service_again_and_says_what_it_did(
    broker: Broker, stack: Stack, databases: Databases
) -> None:
    service = pof(PofSettings(database_url="unused"))
    url, suffix = await databases.make(service)
    await create_topics(stack.kafka.bootstrap_servers)
    topic = WorkplaceRegistered.declaration.topic
    await broker.send(*(a_record(a_workplace()) for _ in range(3)))
    environment = {"POF_DATABASE_URL": url, "POF_KAFKA_BOOTSTRAP_SERVERS": stack.kafka.bootstrap_servers}

    async def rebuild(projection: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.pof", "rebuild", projection),
            cwd=ROOT,
            env=os.environ | environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    async with ServiceUnderTest.on(service, url) as under_test:
        stored = [
            Record(one.topic, one.partition, one.offset, one.key, one.headers, one.value)
            for one in await broker.read(topic)
        ]
        await under_test.deliver_records(stored)
        rows = await under_test.all(RegisteredWorkplace)
        assert len(rows) >= 3
        code, said = await rebuild("registered_workplaces")
        assert (code, said.partition(",")[0]) == (
            0,
            f"registered_workplaces: {len(rows)} rows from {len(stored)} events of {topic}",
        )
        assert await under_test.all(RegisteredWorkplace) == rows
    code, said = await rebuild("dossiers")
    assert code == 2
    assert "registered_workplaces, searching_learners" in " ".join(said.replace("│", "").split())
    databases.drop(service, suffix)


async def test_who_holds_a_lock_is_waited_for_without_keeping_others_waiting(
    sights: Sights, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.persistence.table_swap.LOCK_TIMEOUT", 0.05)
    monkeypatch.setattr("chassis.persistence.table_swap.TRY_AGAIN_AFTER", 0.0)
    await sights.send(a_sight(uuid4()))
    await sights.handle_all(1)
    async with pool.acquire() as backup, backup.transaction():
        await backup.fetch("select * from sights")
        rebuilding = asyncio.create_task(sights.rebuild())
        await eventually(lambda: pool.fetchval("select count(*) from pg_locks where not granted"))
        await pool.execute("update sights set amount = 5")
        assert not rebuilding.done()
    assert (await rebuilding).rows == 1
