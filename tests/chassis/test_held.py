"""Records that Kafka refuses can be listed, tried at once, or skipped; what is skipped is kept in a table."""

from uuid import UUID, uuid4

import pytest

from chassis.messaging.relay import Relay
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.persistence.connection import Pool
from chassis.persistence.held_records import HeldRecords, NotHeld
from chassis.persistence.store import PostgresStore
from chassis.process import now
from chassis.testing.builders import an_outbox_record
from chassis.testing.fakes import MemoryBroker, MemoryLead
from tests.chassis.tally import a_count


class Desk:
    """A relay over a broker that refuses one key, and the commands of an operator."""

    def __init__(self, postgres: PostgresStore, pool: Pool) -> None:
        self.broker = MemoryBroker()
        self.records = HeldRecords(pool, by="Els")
        self.pool = pool
        self.lead = MemoryLead(postgres)
        self._relay = Relay("tally", self.lead, self.broker.connect, Metrics(), Health(), now=now, hold=3600)

    async def append(self, id_: UUID, *sequences: int) -> None:
        await self.lead.append([an_outbox_record(a_count(id_), number) for number in sequences])

    async def round(self) -> list[int]:
        """Let the relay publish; returns the sequence numbers that arrived."""
        before = len(self.broker.log)
        await self._relay.round(self.lead)
        return [record.sequence for record in self.broker.log[before:]]


@pytest.fixture
async def desk(postgres: PostgresStore, pool: Pool) -> Desk:
    """One key with three records was refused; now the broker would accept it."""
    desk = Desk(postgres, pool)
    id_ = uuid4()
    await desk.append(id_, 1, 2, 3)
    desk.broker.refuses = {id_}
    assert await desk.round() == []
    desk.broker.refuses = set()
    assert await desk.round() == [], "it is not held"
    return desk


async def test_what_could_not_be_sent_is_listed_with_what_waits_behind_it(desk: Desk) -> None:
    (held,) = await desk.records.all()
    assert (held.sequence, held.attempts, held.error, held.behind) == (1, 1, "KafkaError", 2)


async def test_what_is_released_is_sent_at_once_and_in_order(desk: Desk) -> None:
    (held,) = await desk.records.all()
    await desk.records.release(held)
    assert await desk.round() == [1, 2, 3]
    assert await desk.records.all() == []


async def test_what_is_skipped_is_kept_with_who_and_why_and_its_key_goes_on(desk: Desk) -> None:
    (held,) = await desk.records.all()
    await desk.records.skip(held, "too large, the customer knows")
    assert await desk.round() == [2, 3]
    (row,) = await desk.pool.fetch("select * from skipped_records")
    assert (row["sequence"], row["skipped_by"], row["skipped_reason"]) == (1, "Els", "too large, the customer knows")
    assert row["value"]


async def test_nothing_is_skipped_without_a_reason_or_twice_or_when_it_is_not_held(desk: Desk) -> None:
    (held,) = await desk.records.all()
    with pytest.raises(ValueError, match="say why"):
        await desk.records.skip(held, " ")
    await desk.append(uuid4(), 1)
    with pytest.raises(NotHeld):
        await desk.records.find(held.position + 3)
    await desk.records.skip(held, "not needed")
    with pytest.raises(NotHeld):
        await desk.records.skip(held, "not needed")
