"""A timer fires once, when it is due and not before, whatever crashes."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from asyncpg import TooManyConnectionsError, UniqueViolationError
from pydantic import AwareDatetime, BaseModel

from chassis.commands import Commands
from chassis.execution import Executor
from chassis.handling import MessageContext, PermanentError, handlers_of, handles
from chassis.messaging.pipeline import Paused
from chassis.messaging.relay import Lead, Relay
from chassis.observability.gauges import GaugeCollector
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.outbox_records import OutboxRecord
from chassis.persistence.connection import Pool, open_pool
from chassis.persistence.leadership import Leadership
from chassis.persistence.store import PostgresStore, PostgresTransaction, Store
from chassis.persistence.timers import WaitingTimer
from chassis.process import now
from chassis.record import Outcome, Record
from chassis.testing.builders import NOON, a_context, a_record, an_envelope, as_it_arrives
from chassis.testing.eventually import eventually
from chassis.testing.fakes import MemoryBroker, MemoryLead, MemoryTransaction
from chassis.unit_of_work import UnitOfWork
from contracts.event import Event, Timer, event
from tests.chassis.conftest import Rig, Unreliable
from tests.chassis.tally import Handlers, Tally
from tests.chassis.test_relay import running

HOUR = timedelta(hours=1)
MOMENT = timedelta(microseconds=1)


@event("be.duaalwest.tally.CountAsked.v1", topic="duaal.tally.counts", key="tally_id")
class CountAsked(Event):
    """One has to be counted later."""

    tally_id: UUID
    at: AwareDatetime


@event("be.duaalwest.tally.CountDue.v1", topic="duaal.tally.timers", key="timer_id")
class CountDue(Timer):
    """The timer: one has to be counted now."""

    tally_id: UUID


class CountLater(BaseModel):
    """The command for the same."""

    tally_id: UUID
    at: AwareDatetime


class Done(BaseModel):
    """The answer to the command."""


class Delayed(Handlers):
    """Handlers that set a timer and count when it fires."""

    @handles(CountAsked, loads={Tally: "tally_id"})
    def ask(self, asked: CountAsked, uow: UnitOfWork, ctx: MessageContext) -> None:
        """Set the timer."""
        tally = uow.find(Tally, asked.tally_id)
        if tally is None:
            uow.add(tally := Tally(asked.tally_id, "all"))
        tally.pending_events.append(CountDue(timer_id=ctx.new_id("count"), due_at=asked.at, tally_id=tally.id))
        self.trouble(asked)

    @handles(CountLater, loads={Tally: "tally_id"})
    def ask_by_hand(self, command: CountLater, uow: UnitOfWork, ctx: MessageContext) -> Done:
        """Set the timer by a command."""
        self.ask(CountAsked(tally_id=command.tally_id, at=command.at), uow, ctx)
        return Done()

    @handles(CountDue, loads={Tally: "tally_id"})
    def count_now(self, due: CountDue, uow: UnitOfWork, _: MessageContext) -> None:
        """Count, when the timer fired."""
        uow.get(Tally, due.tally_id).add(1)


@pytest.fixture
def rig(rig: Rig) -> Rig:
    return Rig(rig.store, batch=rig.batch, handlers=Delayed())


def asked(tally_id: UUID | None = None, *, at: datetime = NOON + HOUR) -> Record:
    return a_record(CountAsked(tally_id=tally_id or uuid4(), at=at))


def a_timer(at: datetime = NOON, timer_id: UUID | None = None) -> WaitingTimer:
    timer = CountDue(timer_id=timer_id or uuid4(), due_at=at, tally_id=uuid4())
    record = OutboxRecord(timer.timer_id, 1, "duaal.tally.timers", an_envelope(timer, at=at).texts(), timer.to_json())
    return WaitingTimer(at, record)


async def set_timers(store: Store, *timers: WaitingTimer) -> None:
    async with store.transaction() as transaction:
        await transaction.timers.set(timers)


async def fire(store: Store, at: datetime, limit: int = 100) -> int:
    return await MemoryLead(store).fire_timers(at, limit)


async def fired_timers(store: Store) -> list[OutboxRecord]:
    """The outbox records of timers that fired."""
    return [record for record in await Rig(store).outbox() if record.topic == "duaal.tally.timers"]


async def empty_the_inbox(store: Store) -> None:
    async with store.transaction() as transaction:
        if isinstance(transaction, PostgresTransaction):
            await transaction.connection.execute("delete from inbox")
        elif isinstance(transaction, MemoryTransaction):
            transaction.inbox.seen.clear()


async def test_a_timer_fires_once_at_its_time_and_not_before(rig: Rig) -> None:
    tally = uuid4()
    await rig.deliver(asked(tally, at=NOON + HOUR))
    assert await fire(rig.store, NOON + HOUR - MOMENT) == 0
    assert await fire(rig.store, NOON + HOUR) == 1
    assert await fire(rig.store, NOON + 2 * HOUR) == 0
    (record,) = await fired_timers(rig.store)
    arrived = as_it_arrives(record)
    assert await rig.deliver(arrived, arrived) == [Outcome.HANDLED, Outcome.DUPLICATE]
    assert await rig.total(tally) == 1


async def test_its_message_says_when_it_was_due_and_what_it_belongs_to(rig: Rig) -> None:
    tally = uuid4()
    cause = asked(tally)
    await rig.deliver(cause)
    await fire(rig.store, NOON + 2 * HOUR)
    (record,) = await fired_timers(rig.store)
    headers = dict(record.headers)
    assert headers["ce_time"] == headers["ce_recordedtime"] == "2026-11-23T12:00:00Z"
    assert (headers["ce_correlationid"], headers["ce_sequence"]) == (str(tally), "000000000001")
    assert headers["ce_causationid"].encode() == dict(cause.headers)["ce_id"]


async def test_a_timer_takes_no_sequence_number_of_its_aggregate(rig: Rig) -> None:
    tally = uuid4()
    await rig.deliver(asked(tally))
    await fire(rig.store, NOON + HOUR)
    (outbox_record,) = await fired_timers(rig.store)
    await rig.deliver(as_it_arrives(outbox_record))
    assert [record.sequence for record in await rig.outbox() if record.aggregate_id == tally] == [1]


async def test_what_is_rolled_back_leaves_no_timer(rig: Rig) -> None:
    rig = Rig(Unreliable(rig.store, breaks=2), batch=rig.batch, handlers=Delayed())
    with pytest.raises(Paused):
        await rig.deliver(asked())
    assert await fire(rig.store, NOON + HOUR) == 0


async def test_a_handler_that_fails_leaves_no_timer_and_its_neighbour_leaves_one(rig: Rig) -> None:
    def refuse(event: CountAsked) -> None:
        if event.tally_id.int == 0:
            raise PermanentError("no")

    rig.handlers.trouble = refuse
    assert await rig.deliver(asked(), asked(UUID(int=0))) == [Outcome.HANDLED, Outcome.DEAD_LETTERED]
    assert await fire(rig.store, NOON + HOUR) == 1


async def test_a_replay_of_the_cause_sets_no_second_timer(rig: Rig) -> None:
    cause = asked()
    await rig.deliver(cause)
    await empty_the_inbox(rig.store)
    assert await rig.deliver(cause) == [Outcome.HANDLED]
    assert await fire(rig.store, NOON + HOUR) == 1


async def test_a_command_sets_a_timer_as_an_event_does(postgres: PostgresStore) -> None:
    executor = Executor("tally", postgres, now=lambda: NOON)
    commands = Commands("tally", handlers_of(Delayed()), executor, Metrics(), now=lambda: NOON)
    await commands.execute(CountLater(tally_id=uuid4(), at=NOON + HOUR), Done)
    assert await fire(postgres, NOON + HOUR) == 1


async def test_the_same_timer_for_another_moment_is_refused(store: Store) -> None:
    timer = a_timer(NOON)
    await set_timers(store, timer, timer)
    with pytest.raises(UniqueViolationError):
        await set_timers(store, a_timer(NOON + HOUR, timer.record.aggregate_id))
    assert await fire(store, NOON + HOUR) == 1


async def test_the_longest_due_fire_first(store: Store) -> None:
    timers = [a_timer(NOON + minutes * timedelta(minutes=1)) for minutes in (2, 0, 1)]
    await set_timers(store, *timers)
    assert [await fire(store, NOON + HOUR, limit=2), await fire(store, NOON + HOUR, limit=2)] == [2, 1]
    assert await fired_timers(store) == [timers[1].record, timers[2].record, timers[0].record]


async def test_a_crash_before_the_commit_leaves_the_timer(store: Store) -> None:
    await set_timers(store, a_timer())
    with pytest.raises(TooManyConnectionsError):
        await fire(Unreliable(store, breaks=1), NOON)
    assert await fired_timers(store) == []
    assert await fire(store, NOON) == 1


async def test_a_timer_in_the_outbox_is_published_once(store: Store) -> None:
    broker = MemoryBroker()
    timer = a_timer()
    await set_timers(store, timer)
    await fire(store, NOON)
    async with running(a_relay(broker, MemoryLead(store))):
        await eventually(lambda: broker.log == [timer.record])
    assert broker.log == [timer.record]


def a_relay(broker: MemoryBroker, lead: Lead, clock: list[datetime] | None = None) -> Relay:
    """A relay with a clock that a test moves."""
    hands = clock or [NOON]
    return Relay("tally", lead, broker.connect, Metrics(), Health(), now=lambda: hands[0])


async def test_a_relay_fires_what_becomes_due(store: Store) -> None:
    broker, clock = MemoryBroker(), [NOON]
    early, late = a_timer(NOON), a_timer(NOON + HOUR)
    await set_timers(store, early, late)
    async with running(a_relay(broker, MemoryLead(store), clock)):
        await eventually(lambda: broker.log == [early.record])
        clock[0] = NOON + HOUR
        await eventually(lambda: broker.log == [early.record, late.record])


async def test_two_relays_fire_it_once(postgres: PostgresStore, tally_database: str) -> None:
    broker = MemoryBroker()
    timers = [a_timer() for _ in range(20)]
    first, second = (a_relay(broker, Leadership(tally_database, "relay")) for _ in range(2))
    async with running(first), running(second):
        await set_timers(postgres, *timers)
        await eventually(lambda: len(broker.log) >= 20)
    assert len(broker.log) == 20


async def test_two_that_fire_at_the_same_moment_fire_it_once(postgres: PostgresStore, pool: Pool) -> None:
    await set_timers(postgres, a_timer())
    async with postgres.transaction() as first:
        assert await first.timers.fire(NOON, 10) == 1
        second = asyncio.create_task(fire(postgres, NOON))
        await eventually(lambda: pool.fetchval("select count(*) from pg_locks where not granted"))
    assert await second == 0
    assert len(await fired_timers(postgres)) == 1


async def test_a_timer_with_the_id_of_its_aggregate_is_refused() -> None:
    tally = Tally(uuid4(), "all")
    unit_of_work = UnitOfWork()
    unit_of_work.add(tally)
    tally.pending_events.append(CountDue(timer_id=tally.id, due_at=NOON, tally_id=tally.id))
    with pytest.raises(TypeError, match="CountDue has the id of its aggregate"):
        unit_of_work.collect_events(a_context())


async def test_what_cannot_be_measured_is_absent(tally_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.observability.gauges.EVERY", 0.1)
    metrics, stop = Metrics(), asyncio.Event()
    unpublished = partial(metrics.registry.get_sample_value, "duaal_outbox_unpublished", {"service": "tally"})
    pool = await open_pool(tally_database, size=2)
    measuring = asyncio.create_task(GaugeCollector("tally", pool, metrics).run(stop))
    await eventually(unpublished, lambda rows: rows is not None)
    await pool.close()
    await eventually(unpublished, lambda rows: rows is None)
    stop.set()
    await measuring


async def test_what_waits_and_what_is_overdue_is_measured(postgres: PostgresStore, pool: Pool) -> None:
    metrics = Metrics()
    await set_timers(postgres, a_timer(now() - HOUR), a_timer(now() + HOUR))
    await GaugeCollector("tally", pool, metrics).sample()
    value = metrics.registry.get_sample_value
    assert value("duaal_timers_waiting", {"service": "tally"}) == 2
    assert (value("duaal_timers_overdue_seconds", {"service": "tally"}) or 0) >= HOUR.total_seconds()
