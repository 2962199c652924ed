"""A schedule fires at every moment of its cron line, once, whatever crashes and whenever the clocks change."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import count
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chassis.handling import BRUSSELS, MessageContext, handles
from chassis.messaging.relay import Lead, Relay
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.outbox_records import OutboxRecord
from chassis.persistence.connection import Pool, open_pool
from chassis.persistence.leadership import Leadership
from chassis.persistence.store import PostgresStore, Store
from chassis.persistence.timers import WaitingTimer
from chassis.process import Process, Role, now
from chassis.record import Outcome
from chassis.schedules import InvalidSchedule, Schedule, next_firings
from chassis.settings import Settings
from chassis.testing.builders import NOON, as_it_arrives
from chassis.testing.eventually import eventually
from chassis.testing.fakes import MemoryBroker, MemoryLead, MemoryStore
from chassis.testing.harness import ServiceUnderTest
from chassis.topics import TOPICS
from chassis.unit_of_work import UnitOfWork
from contracts.event import Timer, event
from contracts.registry import EVENTS
from deploy.local.stack import Stack
from tests.chassis.broker import Broker, a_name
from tests.chassis.conftest import Rig
from tests.chassis.tally import MANIFESTS, TALLY, Handlers, Tally, TallyChanged
from tests.chassis.test_consumer_on_kafka import consuming
from tests.chassis.test_relay import Connects, running
from tests.chassis.test_timers import CountDue

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CLOCK_BACK = date(2026, 10, 25)
CLOCK_FORWARD = date(2027, 3, 28)


@event("be.duaalwest.tally.ItIsTimeToCount.v1", topic="duaal.tally.timers", key="timer_id")
class ItIsTimeToCount(Timer):
    """The message of a schedule: count one more."""


class Counting(Handlers):
    """Handlers that count the firings, each in a tally of its own."""

    @handles(ItIsTimeToCount)
    def count_firing(self, firing: ItIsTimeToCount, uow: UnitOfWork, ctx: MessageContext) -> None:
        """One more."""
        uow.add(tally := Tally(ctx.new_id("tally"), f"{firing.due_at:%Y-%m-%d %H:%M}"))
        tally.add(1)


AT_SEVEN = Schedule("weekday-count", "0 7 * * 1-5", ItIsTimeToCount)
SEVEN = datetime(2026, 11, 24, 7, tzinfo=BRUSSELS)
"""The first firing of it after NOON, which is a Monday."""
SCHEDULED = replace(TALLY, handlers=Counting(), schedules=[AT_SEVEN])


@pytest.fixture(autouse=True)
def _types_of_these_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (ItIsTimeToCount, TallyChanged):
        monkeypatch.setitem(EVENTS, kind.declaration.type, kind)


def at(cron: str) -> Schedule:
    return Schedule("tests", cron, ItIsTimeToCount)


def local(day: date, hour: int, minute: int = 0, *, second_time: bool = False) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BRUSSELS, fold=int(second_time))


def firings(cron: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """Every firing between two moments, as a leader finds them one after the other."""
    schedule = at(cron)
    moment = schedule.next_after(start)
    while moment <= end:
        yield moment
        moment = schedule.next_after(moment)


def times_on(cron: str, day: date) -> list[str]:
    """The firings of a day, in local time with its distance from UTC."""
    end = local(day + DAY, 0) - timedelta(seconds=1)
    found = firings(cron, local(day, 0) - timedelta(seconds=1), end)
    return [f"{moment.astimezone(BRUSSELS):%H:%M%z}" for moment in found]


# When it fires.


@pytest.mark.parametrize("minute", ["0 2", "30 2", "59 2", "0 3", "30 1", "0 0"])
def test_a_line_for_every_day_fires_once_on_each_day_of_two_years(minute: str) -> None:
    start, end = local(date(2026, 1, 1), 0) - HOUR, local(date(2027, 12, 31), 23)
    days = [moment.astimezone(BRUSSELS).date() for moment in firings(f"{minute} * * *", start, end)]
    assert days == [date(2026, 1, 1) + number * DAY for number in range(365 * 2)]


@pytest.mark.parametrize(
    ("cron", "day", "times"),
    [
        ("30 2 * * *", CLOCK_BACK, ["02:30+0200"]),
        ("30 2 * * *", CLOCK_FORWARD, ["03:00+0200"]),
        ("15,45 2 * * *", CLOCK_FORWARD, ["03:00+0200"]),
        ("0 1-4 * * *", CLOCK_FORWARD, ["01:00+0100", "03:00+0200", "04:00+0200"]),
        ("0 1-4 * * *", CLOCK_BACK, ["01:00+0200", "02:00+0200", "03:00+0100", "04:00+0100"]),
        ("0 7 * * *", CLOCK_BACK, ["07:00+0100"]),
    ],
)
def test_a_line_that_names_its_hours_fires_once_in_each_when_the_clocks_change(
    cron: str, day: date, times: list[str]
) -> None:
    assert times_on(cron, day) == times


@pytest.mark.parametrize(("day", "hours"), [(CLOCK_BACK, 25), (CLOCK_FORWARD, 23), (date(2026, 11, 23), 24)])
def test_a_line_for_every_hour_fires_every_sixty_minutes(day: date, hours: int) -> None:
    assert len(times_on("5 * * * *", day)) == hours


NIGHTS = st.sampled_from([CLOCK_BACK, CLOCK_FORWARD])
LINES = st.sampled_from(["30 2 * * *", "0,20,40 1-3 * * *", "*/20 * * * *", "0 7 * * 1-5", "0 3 28 * *"])


@given(NIGHTS, LINES, st.integers(0, 6 * 60))
@example(CLOCK_BACK, "30 2 * * *", 3 * 60 + 10)
def test_whenever_a_leader_begins_it_finds_the_same_firings(night: date, cron: str, minutes: int) -> None:
    midnight = local(night, 0).astimezone(UTC)
    moment = midnight + timedelta(minutes=minutes)
    expected = next(due for due in firings(cron, midnight - 4 * HOUR, midnight + 60 * DAY) if due > moment)
    assert at(cron).next_after(moment) == expected


@pytest.mark.parametrize(
    ("cron", "reason"),
    [
        ("0 25 * * *", "'0 25 \\* \\* \\*' is no cron line: Bad hour"),
        ("0 7 * *", "is no cron line: it needs 5 fields"),
        ("0 0 7 * * *", "is no cron line: it needs 5 fields"),
        ("", "is no cron line: it needs 5 fields"),
        ("0 7 31 2 *", "is no cron line: Bad day"),
    ],
)
def test_a_line_that_cannot_work_is_refused(cron: str, reason: str) -> None:
    with pytest.raises(InvalidSchedule, match=f"schedule tests: .*{reason}"):
        at(cron)


def test_a_message_that_somebody_would_have_to_fill_in_is_refused() -> None:
    with pytest.raises(InvalidSchedule, match="schedule tests: nobody fills in tally_id of its message"):
        Schedule("tests", "0 7 * * *", CountDue)


def test_two_schedules_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidSchedule, match="schedule weekday-count is there twice"):
        replace(SCHEDULED, schedules=[AT_SEVEN, Schedule("weekday-count", "0 8 * * *", ItIsTimeToCount)])


def test_a_message_that_nobody_handles_is_refused() -> None:
    with pytest.raises(InvalidSchedule, match="schedule weekday-count: no handler for ItIsTimeToCount"):
        replace(SCHEDULED, handlers=Handlers())


# How it is kept and fired.


@pytest.fixture
def rig(store: Store) -> Rig:
    return Rig(store, handlers=Counting())


class Leader:
    """What the relay of a process does about timers, with a clock that a test moves. A new one is a process anew."""

    def __init__(self, store: Store, schedules: Sequence[Schedule] = (AT_SEVEN,)) -> None:
        self._lead = MemoryLead(store)
        self._schedules = schedules

    async def keep_next(self, now: datetime) -> None:
        """The first of two steps."""
        await self._lead.set_timers(next_firings("tally", self._schedules, now))

    async def look(self, now: datetime) -> int:
        """Both steps; returns how many fired."""
        await self.keep_next(now)
        return await self._lead.fire_timers(now, 100)


async def fired(store: Store) -> list[OutboxRecord]:
    return [record for record in await Rig(store).outbox() if record.topic == "duaal.tally.timers"]


async def test_it_fires_at_its_moment_and_not_before(store: Store) -> None:
    leader = Leader(store)
    assert [await leader.look(SEVEN - HOUR), await leader.look(SEVEN - timedelta(microseconds=1))] == [0, 0]
    assert [await leader.look(SEVEN), await leader.look(SEVEN), await leader.look(SEVEN + HOUR)] == [1, 0, 0]
    assert [await leader.look(SEVEN + DAY), await leader.look(SEVEN + 2 * DAY)] == [1, 1]


async def test_its_message_says_which_schedule_it_comes_from_and_when_it_was_due(store: Store) -> None:
    leader = Leader(store)
    await leader.look(NOON)
    await leader.look(SEVEN + HOUR)
    (record,) = await fired(store)
    headers = dict(record.headers)
    assert headers["ce_time"] == headers["ce_recordedtime"] == "2026-11-24T06:00:00Z"
    assert headers["ce_causationid"] == "weekday-count/2026-11-24T06:00Z"
    assert ItIsTimeToCount.from_json(record.value).due_at == SEVEN


async def test_a_process_that_dies_at_any_step_loses_no_firing(store: Store) -> None:
    await Leader(store).keep_next(NOON)
    await Leader(store).keep_next(SEVEN)
    assert await Leader(store).look(SEVEN) == 1
    assert await Leader(store).look(SEVEN + DAY) == 1


async def test_after_days_without_a_process_it_fires_once_and_then_as_ever(store: Store) -> None:
    await Leader(store).look(NOON)
    late = Leader(store)
    friday_noon = NOON + 4 * DAY
    assert [await late.look(friday_noon), await late.look(friday_noon + HOUR)] == [1, 0]
    assert await late.look(SEVEN + 6 * DAY) == 1
    assert [dict(record.headers)["ce_time"][:10] for record in await fired(store)] == ["2026-11-24", "2026-11-30"]


async def test_a_new_schedule_does_not_fire_for_the_past(store: Store) -> None:
    assert await Leader(store).look(SEVEN) == 0


async def test_a_leader_whose_clock_is_behind_fires_the_same_message_again(rig: Rig) -> None:
    await Leader(rig.store).look(NOON)
    await Leader(rig.store).look(SEVEN)
    (first,) = await fired(rig.store)
    assert await rig.deliver(as_it_arrives(first)) == [Outcome.HANDLED]
    await empty_the_outbox(rig.store)
    behind = Leader(rig.store)
    await behind.look(SEVEN - HOUR)
    await behind.look(SEVEN)
    (again,) = await fired(rig.store)
    assert await rig.deliver(as_it_arrives(again)) == [Outcome.DUPLICATE]


async def empty_the_outbox(store: Store) -> None:
    async with store.transaction() as transaction:
        rows = await transaction.outbox.unpublished(100, NOON)
        await transaction.outbox.published([row.position for row in rows])


async def test_schedules_of_one_message_fire_each_for_itself(store: Store) -> None:
    both = Leader(store, [AT_SEVEN, Schedule("also", AT_SEVEN.cron, ItIsTimeToCount)])
    await both.look(NOON)
    assert await both.look(SEVEN) == 2


# In the relay, by its clock.


def a_relay(broker: Connects, lead: Lead, clock: list[datetime]) -> Relay:
    return Relay(
        "tally",
        lead,
        broker.connect,
        Metrics(),
        Health(),
        now=lambda: clock[0],
        next_firings=partial(next_firings, "tally", [AT_SEVEN]),
    )


async def next_is_set(store: PostgresStore, moment: datetime) -> None:
    """Wait until one timer waits, for this moment."""

    async def waiting() -> list[datetime]:
        async with store.transaction() as transaction:
            return [due for (due,) in await transaction.connection.fetch("select due_at from timers")]

    await eventually(waiting, lambda due: due == [moment])


class WatchedLead(MemoryLead):
    """Writes down what it is asked."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.asked: list[tuple[str, datetime]] = []

    async def set_timers(self, timers: Sequence[WaitingTimer]) -> None:
        self.asked += [("set", timer.due_at) for timer in timers]

    async def fire_timers(self, now: datetime, limit: int) -> int:
        self.asked.append(("fire", now))
        return limit  # there may be more, so the relay looks again at once


async def test_a_relay_keeps_what_fires_next_before_it_fires_what_is_due() -> None:
    lead = WatchedLead(MemoryStore())
    clock = (NOON + number * timedelta(seconds=35) for number in count())
    every_minute = [at("* * * * *")]
    relay = Relay(
        "tally",
        lead,
        MemoryBroker().connect,
        Metrics(),
        Health(),
        now=lambda: next(clock),
        next_firings=partial(next_firings, "tally", every_minute),
    )
    async with running(relay):
        await eventually(lambda: len(lead.asked) > 20)
    for (first, due), (second, moment) in zip(lead.asked[::2], lead.asked[1::2], strict=False):
        assert (first, second) == ("set", "fire")
        assert due == every_minute[0].next_after(moment)


async def test_a_process_keeps_the_next_firing_of_its_schedules(pool: Pool, tally_database: str, stack: Stack) -> None:
    servers = stack.kafka.bootstrap_servers
    settings = Settings(database_url=tally_database, kafka_bootstrap_servers=servers, http_port=0)
    process = Process(SCHEDULED, settings, frozenset({Role.RELAY}), pool)
    running_process = asyncio.create_task(process.run())
    due = await eventually(lambda: pool.fetchval("select due_at from timers"))
    process.stop.set()
    await running_process
    assert due in {AT_SEVEN.next_after(now()), AT_SEVEN.next_after(now() - HOUR)}


async def test_two_relays_fire_it_once(postgres: PostgresStore, tally_database: str) -> None:
    broker, clock = MemoryBroker(), [NOON]
    first, second = (a_relay(broker, Leadership(tally_database, "relay"), clock) for _ in range(2))
    async with running(first), running(second):
        await next_is_set(postgres, SEVEN)
        clock[0] = SEVEN
        await eventually(lambda: len(broker.log) == 1)
        await next_is_set(postgres, SEVEN + DAY)
    assert len(broker.log) == 1


async def test_through_kafka_it_reaches_its_handler_once(
    postgres: PostgresStore, tally_database: str, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await broker.make_topic()
    timers = MANIFESTS["duaal.tally.timers"].model_copy(update={"name": topic})
    monkeypatch.setitem(TOPICS, "duaal.tally.timers", timers)
    clock, rig = [NOON], Rig(postgres, handlers=Counting())
    relay = a_relay(broker, Leadership(tally_database, "relay"), clock)
    async with consuming(broker, a_name("group"), topic, rig), running(relay):
        for moment in (SEVEN, SEVEN + DAY):
            await next_is_set(postgres, moment)
            clock[0] = moment
        await eventually(lambda: groups(tally_database), lambda found: len(found) == 2)
    assert await groups(tally_database) == ["2026-11-24 06:00", "2026-11-25 06:00"]
    assert len(await broker.read(topic)) == 2


async def groups(database: str) -> list[str]:
    async with await open_pool(database, size=1) as pool:
        return [row["group"] for row in await pool.fetch('select "group" from tallies order by 1')]


# In the tests of a service, in virtual time.


@asynccontextmanager
async def under_test(database: str) -> AsyncIterator[ServiceUnderTest]:
    async with ServiceUnderTest.on(SCHEDULED, database) as service:
        yield service


@pytest.mark.usefixtures("postgres")
async def test_in_tests_the_time_of_a_week_passes_at_once(tally_database: str) -> None:
    async with under_test(tally_database) as service:
        assert await service.advance(timedelta(days=7)) == [Outcome.HANDLED] * 5
        found = await service.all(Tally)
    assert sorted(tally.group[8:10] for tally in found) == ["24", "25", "26", "27", "30"]


def test_the_id_of_a_firing_follows_from_its_schedule_and_its_moment() -> None:
    def ids(service: str, schedule: Schedule, moment: datetime) -> UUID:
        (timer,) = next_firings(service, [schedule], moment)
        return timer.record.aggregate_id

    same = {ids("tally", AT_SEVEN, moment) for moment in (NOON, NOON + HOUR, SEVEN - timedelta(microseconds=1))}
    others = {
        ids("tally", AT_SEVEN, SEVEN),
        ids("tally", replace(AT_SEVEN, name="other"), NOON),
        ids("matching", AT_SEVEN, NOON),
        uuid4(),
    }
    assert len(same) == 1
    assert len(same | others) == 5
