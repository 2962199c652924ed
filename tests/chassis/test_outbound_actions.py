"""An outbound action is performed at least once, with one id, and recorded once."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.execution import Executor
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.outbound_actions import CLAIM, OutboundActions
from chassis.persistence.connection import Pool
from chassis.persistence.store import PostgresStore
from chassis.testing.builders import NOON
from chassis.testing.eventually import eventually
from chassis.unit_of_work import UnitOfWork
from tests.chassis.conftest import RecordingPublisher, Rig, of_type
from tests.chassis.tally import Errand, ErrandDone


async def _nothing(_: Errand) -> None:
    return None


@dataclass
class RunErrands:
    """An outbound action that remembers the ids of its intents. `then` is called after the action."""

    asked: list[UUID] = field(default_factory=list)
    then: Callable[[Errand], Awaitable[None]] = _nothing

    kind: type[Any] = Errand
    only: tuple[str, str] | None = None
    at_once: int = 50

    async def perform(self, intent: Errand, now: datetime) -> bool:  # noqa: ARG002
        """Do the errand; False when the shop is closed."""
        self.asked.append(intent.id)
        await self.then(intent)
        return intent.correlation != "closed"

    def record(self, intent: Errand, result: bool, now: datetime) -> None:
        """Record the result on the intent."""
        if intent.correlation == "unheard of":
            raise KeyError(intent.correlation)
        if result:
            intent.done()
        else:
            intent.failed(now)

    def record_error(self, intent: Errand, now: datetime) -> None:
        """It was not even tried."""
        intent.failed(now)


@dataclass
class Office:
    """Tally's outbound actions, with a clock that a test moves."""

    store: PostgresStore
    outside: RunErrands
    now: datetime = NOON
    publisher: RecordingPublisher = field(default_factory=RecordingPublisher)

    def actions(self, *actions: RunErrands) -> OutboundActions:
        """The outbound actions of one process."""
        executor = Executor("tally", self.store, now=lambda: self.now, publisher=self.publisher)
        return OutboundActions(
            "tally", actions or [self.outside], self.store, executor, Metrics(), Health(), now=lambda: self.now
        )

    async def perform(self) -> int:
        """Perform what is due, in one process."""
        return await self.actions().perform_due(self.outside)

    async def want(self, *errands: Errand) -> None:
        unit_of_work = UnitOfWork()
        for errand in errands:
            unit_of_work.add(errand)
        async with self.store.transaction() as transaction:
            await transaction.save(unit_of_work)

    async def done(self) -> list[UUID]:
        """The errands for which ErrandDone was published."""
        return [record.aggregate_id for record in of_type(await Rig(self.store).outbox(), ErrandDone)]


def an_errand(due_at: datetime | None = NOON, correlation: str | None = "case-7") -> Errand:
    return Errand(uuid4(), due_at, correlation)


@pytest.fixture
def office(postgres: PostgresStore) -> Office:
    return Office(postgres, RunErrands())


async def test_what_is_due_is_done_once_and_published(office: Office) -> None:
    errand = an_errand()
    await office.want(errand)
    assert [await office.perform(), await office.perform()] == [1, 0]
    assert office.outside.asked == await office.done() == [errand.id]
    assert office.publisher.woken == 1
    (record,) = await Rig(office.store).outbox()
    assert dict(record.headers)["ce_correlationid"] == "case-7"


async def test_what_is_not_due_yet_waits_for_its_time(office: Office) -> None:
    await office.want(an_errand(NOON + timedelta(seconds=1)), an_errand(None))
    assert await office.perform() == 0
    office.now += timedelta(seconds=1)
    assert await office.perform() == 1


async def test_what_failed_is_done_again_when_it_says_so(office: Office) -> None:
    await office.want(an_errand(correlation="closed"))
    await office.perform()
    await office.perform()
    office.now += timedelta(minutes=1)
    await office.perform()
    assert len(office.outside.asked) == 2
    assert await office.done() == []


async def test_a_crash_between_the_action_and_its_record_repeats_it_under_the_same_id(office: Office) -> None:
    async def crash(_: Errand) -> None:
        raise asyncio.CancelledError

    errand = an_errand()
    await office.want(errand)
    office.outside.then = crash
    with suppress(asyncio.CancelledError):
        await office.perform()
    office.outside.then = _nothing
    assert await office.perform() == 0, "the claim of the process that crashed has not expired yet"
    office.now += CLAIM
    assert await office.perform() == 1
    assert office.outside.asked == [errand.id, errand.id]
    assert await office.done() == [errand.id]


async def test_doing_it_twice_publishes_one_event_and_not_two(office: Office, pool: Pool) -> None:
    errand = an_errand()
    await office.want(errand)
    await office.perform()
    (first,) = await Rig(office.store).outbox()
    await pool.execute("delete from outbox")
    await pool.execute("update errands set due_at = $1, attempts = 0, version = 0", NOON)
    await office.perform()
    (second,) = await Rig(office.store).outbox()
    assert dict(first.headers)["ce_id"] == dict(second.headers)["ce_id"]


async def test_one_that_goes_wrong_does_not_touch_the_others(office: Office) -> None:
    bad, good = an_errand(), an_errand()

    async def trip(intent: Errand) -> None:
        if intent.id == bad.id:
            raise RuntimeError

    office.outside.then = trip
    await office.want(bad, good)
    await office.perform()
    assert await office.done() == [good.id]


async def test_what_cannot_even_be_attempted_counts_as_an_attempt_and_waits(office: Office) -> None:
    async def cannot_be_rendered(_: Errand) -> None:
        raise KeyError

    office.outside.then = cannot_be_rendered
    await office.want(an_errand())
    await office.perform()
    assert await attempts(office.store) == [1]
    assert await office.perform() == 0
    office.now += timedelta(minutes=1)
    await office.perform()
    assert await attempts(office.store) == [2]


async def test_a_result_that_cannot_be_recorded_counts_as_an_attempt_and_waits(office: Office) -> None:
    await office.want(an_errand(correlation="unheard of"), an_errand())
    await office.perform()
    assert await attempts(office.store) == [1, 1]
    assert len(await office.done()) == 1
    assert await office.perform() == 0


async def test_who_acted_when_the_claim_had_run_out_does_not_record_it_over_another(office: Office) -> None:
    late = asyncio.Event()

    async def wait(_: Errand) -> None:
        await late.wait()

    errand = an_errand(correlation="closed")
    await office.want(errand)
    slow = RunErrands(then=wait)
    slow_process = asyncio.create_task(office.actions(slow).perform_due(slow))
    await eventually(lambda: slow.asked == [errand.id])
    office.now += CLAIM
    assert await office.perform() == 1
    late.set()
    await slow_process
    (kept,) = await attempts(office.store)
    assert kept == 1, "it was recorded twice"


async def test_a_claim_lasts_as_long_as_the_action_does(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.outbound_actions.RENEW_EVERY", 0.02)
    slow, late = RunErrands(), asyncio.Event()

    async def wait(_: Errand) -> None:
        await late.wait()

    errand = an_errand()
    await office.want(errand)
    slow.then = wait
    slow_process = asyncio.create_task(office.actions(slow).perform_due(slow))
    await eventually(lambda: slow.asked == [errand.id])
    for _ in range(4):
        office.now += CLAIM * 0.9
        await eventually(lambda: claimed_until(office.store), lambda until: until > office.now + CLAIM * 0.8)
        assert await office.perform() == 0, "another process acted on it too"
    late.set()
    await slow_process
    assert await office.done() == [errand.id]


async def claimed_until(store: PostgresStore) -> datetime:
    """The end of the claim on the only errand."""
    async with store.transaction() as transaction:
        until: datetime = await transaction.connection.fetchval("select due_at from errands")
        return until


async def test_a_statement_that_fails_in_a_way_that_nobody_foresaw_does_not_end_the_loop(
    office: Office, pool: Pool
) -> None:
    stop = asyncio.Event()
    await pool.execute("alter table errands rename to gone")
    loop = asyncio.create_task(office.actions().run(stop))
    try:
        await asyncio.sleep(0)
        await pool.execute("alter table gone rename to errands")
        await office.want(an_errand())
        await eventually(office.done, lambda done: len(done) == 1)
    finally:
        stop.set()
        await loop


async def attempts(store: PostgresStore) -> list[int]:
    """The recorded number of attempts of each errand."""
    async with store.transaction() as transaction:
        return [row["attempts"] for row in await transaction.connection.fetch("select attempts from errands")]


async def test_two_processes_share_the_work_and_do_nothing_twice(office: Office) -> None:
    errands = [an_errand() for _ in range(30)]
    await office.want(*errands)
    assert sum(await asyncio.gather(*(office.perform() for _ in range(4)))) == 30
    assert sorted(office.outside.asked) == sorted(errand.id for errand in errands)


async def test_an_action_may_have_a_part_of_the_intents_and_so_many_at_once(office: Office) -> None:
    mine = [an_errand(correlation="mine") for _ in range(3)]
    await office.want(*mine, an_errand(correlation="theirs"))
    office.outside.only, office.outside.at_once = ("correlation", "mine"), 2
    assert [await office.perform() for _ in range(3)] == [2, 1, 0]
    assert sorted(office.outside.asked) == sorted(errand.id for errand in mine)


async def test_an_action_that_hangs_delays_no_other(office: Office) -> None:
    released = asyncio.Event()

    async def hang(_: Errand) -> None:
        await released.wait()

    slow = RunErrands(then=hang, only=("correlation", "slow"))
    office.outside.only = ("correlation", "quick")
    quick = an_errand(correlation="quick")
    await office.want(an_errand(correlation="slow"), quick)
    stop, actions = asyncio.Event(), office.actions(slow, office.outside)
    loops = asyncio.create_task(actions.run(stop))
    try:
        await eventually(office.done, lambda done: done == [quick.id])
    finally:
        stop.set()
        released.set()
        await loops


async def test_the_loop_does_what_comes_until_it_is_told_to_stop(office: Office) -> None:
    stop = asyncio.Event()
    loop = asyncio.create_task(office.actions().run(stop))
    await office.want(an_errand())
    await eventually(office.done, lambda done: len(done) == 1)
    stop.set()
    await asyncio.wait_for(loop, timeout=60)
