"""Projections: the same rows however events are cut into batches, once or twice delivered, in both stores."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.handling import PermanentError
from chassis.persistence.connection import Pool
from chassis.persistence.mapper import Mapper
from chassis.persistence.store import PostgresStore, Store
from chassis.projections import Changes, Projection, handlers_with, projects
from chassis.record import Outcome, Record
from chassis.testing.builders import a_record
from chassis.unit_of_work import LoadPlan, UnitOfWork
from contracts.event import Event
from tests.chassis.conftest import Rig, WithoutTransactions, postgres_store
from tests.chassis.tally import (
    SIGHTS_OF_TALLIES,
    Colour,
    Counting,
    GroupSeen,
    Moved,
    Seen,
    Sight,
    TallyChanged,
    Ticked,
    seen,
)

ONE, OTHER = UUID(int=1), UUID(int=2)
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def a_sight(id_: UUID = ONE, amount: int = 1, group: str = "a") -> Seen:
    return Seen(tally_id=id_, group=group, amount=amount)


def moved(id_: UUID = ONE, group: str = "b") -> Moved:
    return Moved(tally_id=id_, group=group)


def ticked_on(day: date, id_: UUID = ONE) -> Ticked:
    return Ticked(tally_id=id_, on=day)


def records_of(*events: Event) -> list[Record]:
    return [a_record(event) for event in events]


class NoHandlers:
    """A service that only projects."""


@pytest.fixture(params=[1, 2, 500], ids=["one-by-one", "in-pairs", "in-batches"])
def rig(request: pytest.FixtureRequest, store: Store) -> Rig:
    """Only the projection."""
    return Rig(store, batch=request.param, handlers=NoHandlers(), projections=[SIGHTS_OF_TALLIES])


@pytest.fixture(params=[1, 2, 500], ids=["one-by-one", "in-pairs", "in-batches"])
def both(request: pytest.FixtureRequest, store: Store) -> Rig:
    """Handlers of the same events beside the projection, or reading its rows."""
    return Rig(store, batch=request.param, handlers=Counting(), projections=[SIGHTS_OF_TALLIES])


async def rows(store: Store, *ids: UUID) -> list[Sight]:
    plan = LoadPlan()
    plan.ids[Sight] = set(ids or (ONE, OTHER))
    async with store.transaction() as transaction:
        return sorted((await transaction.load(plan)).loaded(Sight), key=lambda row: row.id)


async def test_an_event_that_gives_the_whole_row_makes_it_and_the_last_one_counts(rig: Rig) -> None:
    outcomes = await rig.deliver(*records_of(a_sight(amount=1), a_sight(OTHER), a_sight(amount=-3, group="c")))
    assert outcomes == [Outcome.HANDLED] * 3
    assert await rows(rig.store) == [Sight(ONE, "c", -3, Colour.RED), Sight(OTHER, "a", 1)]


async def test_an_event_may_change_some_fields_and_leaves_the_others(rig: Rig) -> None:
    await rig.deliver(*records_of(a_sight(amount=7), ticked_on(MONDAY), moved(), ticked_on(TUESDAY)))
    assert await rows(rig.store) == [Sight(ONE, "b", 7, on=TUESDAY)]


async def test_a_change_of_a_row_that_is_not_there_changes_nothing_also_not_later(rig: Rig) -> None:
    early = records_of(moved(), ticked_on(MONDAY))
    assert await rig.deliver(*early) == [Outcome.HANDLED] * 2
    assert await rows(rig.store) == []
    await rig.deliver(*records_of(moved(OTHER), a_sight(OTHER), a_sight()))
    assert await rows(rig.store) == [Sight(ONE, "a", 1), Sight(OTHER, "a", 1)]


@pytest.mark.parametrize("order", [*permutations(range(4))], ids=str)
async def test_every_order_gives_the_rows_that_it_gives_one_by_one(rig: Rig, order: Sequence[int]) -> None:
    events = [a_sight(amount=2), moved(), ticked_on(MONDAY), a_sight(amount=5, group="c")]
    await rig.deliver(*records_of(*(events[at] for at in order)))
    expected: list[Sight] = []
    for at in order:
        event = events[at]
        if isinstance(event, Seen):
            expected = [seen(event)]
        else:
            changes = {"group": event.group} if isinstance(event, Moved) else {"on": MONDAY}
            expected = [Sight(**vars(row) | changes) for row in expected]
    assert await rows(rig.store) == expected


async def test_every_message_twice_and_all_of_them_again_later_is_once(rig: Rig) -> None:
    records = records_of(a_sight(amount=1), ticked_on(MONDAY), a_sight(amount=2), moved(OTHER))
    twice = [record for record in records for _ in range(2)]
    assert (await rig.deliver(*twice)).count(Outcome.HANDLED) == 4
    # What comes again after something newer is a duplicate, and does not put the row back.
    assert set(await rig.deliver(*records[:2])) == {Outcome.DUPLICATE}
    assert await rows(rig.store) == [Sight(ONE, "a", 2)]


async def test_nothing_is_published(rig: Rig) -> None:
    await rig.deliver(*records_of(a_sight(), moved()))
    assert (await rig.outbox(), rig.publisher.published) == ([], [])


@pytest.mark.parametrize("known", [False, True], ids=["new rows", "rows that are there"])
async def test_without_anything_to_load_one_statement_is_enough(store: Store, known: bool) -> None:
    if known:
        await Rig(store, handlers=NoHandlers(), projections=[SIGHTS_OF_TALLIES]).deliver(*records_of(a_sight()))
    rig = Rig(WithoutTransactions(store), handlers=NoHandlers(), projections=[SIGHTS_OF_TALLIES])
    events = records_of(a_sight(OTHER), ticked_on(MONDAY), moved(), ticked_on(MONDAY, OTHER), a_sight(UUID(int=3)))
    assert set(await rig.deliver(*events)) == {Outcome.HANDLED}
    changed = [Sight(ONE, "b", 1, on=MONDAY)] if known else []
    assert await rows(store) == [*changed, Sight(OTHER, "a", 1, on=MONDAY)]


async def test_an_event_with_a_handler_and_a_projection_goes_through_both_or_neither(both: Rig) -> None:
    def refuse(event: Seen) -> None:
        if event.amount == 13:
            raise PermanentError("unlucky")

    refusing = Rig(both.store, both.batch, Counting(refuse), both.projections)
    outcomes = await refusing.deliver(*records_of(a_sight(amount=3), a_sight(amount=13), a_sight(), a_sight(OTHER)))
    assert outcomes == [Outcome.HANDLED, Outcome.DEAD_LETTERED, Outcome.PARKED, Outcome.HANDLED]
    assert (await both.total(ONE), await rows(both.store)) == (3, [Sight(ONE, "a", 3), Sight(OTHER, "a", 1)])

    # Redriven once the reason is gone, in order: both have seen all of it.
    letters = await both.letters()
    assert [await both.pipeline.redrive(letter, "me") for letter in letters] == [Outcome.HANDLED] * 2
    assert (await both.total(ONE), await rows(both.store, ONE)) == (17, [Sight(ONE, "a", 1)])


async def test_a_row_waits_behind_a_dead_letter_of_its_key(rig: Rig) -> None:
    bad = a_record(a_sight(), value=b"not JSON")
    assert await rig.deliver(*records_of(a_sight(amount=1))) == [Outcome.HANDLED]
    outcomes = await rig.deliver(bad, *records_of(a_sight(amount=2), ticked_on(MONDAY)))
    assert outcomes == [Outcome.DEAD_LETTERED, Outcome.PARKED, Outcome.PARKED]
    assert await rows(rig.store) == [Sight(ONE, "a", 1)]


async def test_a_handler_reads_the_rows_as_the_records_before_it_left_them(both: Rig) -> None:
    counts = [GroupSeen(count_id=uuid4(), group="b") for _ in range(4)]
    await both.deliver(
        *records_of(
            a_sight(ONE, 1, "b"), counts[0], a_sight(OTHER, 10), counts[1], moved(OTHER), counts[2], moved(ONE, "a")
        )
    )
    await both.deliver(*records_of(moved(ONE, "b"), counts[3]))
    assert [await both.total(count.count_id) for count in counts] == [1, 1, 11, 11]


async def test_reading_a_row_neither_locks_nor_writes_it(postgres: PostgresStore, pool: Pool) -> None:
    await Rig(postgres, handlers=NoHandlers(), projections=[SIGHTS_OF_TALLIES]).deliver(*records_of(a_sight()))
    read = LoadPlan()
    read.ids[Sight], read.values[Sight, "group"] = {ONE}, {"a"}
    async with postgres.transaction() as transaction:
        unit_of_work = await transaction.load(read)
        (row,) = unit_of_work.all(Sight, group="a")
        assert unit_of_work.get(Sight, ONE) is row
        # Others go on while this one is open: they would wait for a lock on the row, or on the value.
        async with asyncio.timeout(20), postgres_store(pool).transaction() as other:
            await other.load(read)
        await Rig(postgres_store(pool), handlers=NoHandlers(), projections=[SIGHTS_OF_TALLIES]).deliver(
            *records_of(a_sight(amount=9))
        )
        await transaction.save(unit_of_work)
    assert await rows(postgres) == [Sight(ONE, "a", 9)]


def test_no_handler_adds_a_row() -> None:
    with pytest.raises(TypeError, match="Sight is a row of a projection"):
        UnitOfWork().add(Sight(ONE, "a", 1))  # type: ignore[arg-type]


@projects(Seen)
def with_an_id_of_its_own(_: Seen) -> Sight:
    return Sight(OTHER, "a", 1)


@projects(Seen)
def with_a_field_that_is_not_there(_: Seen) -> Changes:
    return Changes(grupo="a")


@projects(Seen)
def with_another_id(_: Seen) -> Changes:
    return Changes(id=OTHER)


@pytest.mark.parametrize(
    ("function", "detail"),
    [
        (with_an_id_of_its_own, "its id is not that of the aggregate of Seen"),
        (with_a_field_that_is_not_there, "Sight has no grupo to change"),
        (with_another_id, "Sight has no id to change"),
    ],
)
def test_a_row_of_another_key_or_a_field_that_is_not_there_is_an_error(function: Any, detail: str) -> None:
    (handler,) = Projection(Sight, function).handlers()
    with pytest.raises(TypeError, match=detail):
        handler.call(a_sight(), UnitOfWork(), None)


@projects(TallyChanged)
def of_another_topic(_: TallyChanged) -> Changes:
    return Changes()


def test_a_projection_is_of_one_topic_and_each_event_is_projected_once() -> None:
    with pytest.raises(TypeError, match="of one topic"):
        Projection(Sight, seen, of_another_topic)
    with pytest.raises(TypeError, match="two functions"):
        Projection(Sight, seen, with_an_id_of_its_own)


def test_a_function_says_whether_it_returns_a_row_or_changes() -> None:
    def silent(_: Seen):  # type: ignore[no-untyped-def]
        return Changes()

    with pytest.raises(TypeError, match="say whether"):
        projects(Seen)(silent)


def test_an_event_that_changes_rows_which_a_handler_reads_loads_its_row_and_otherwise_nothing() -> None:
    alone = SIGHTS_OF_TALLIES.handlers()
    assert [handler.loads for handler in alone] == [{}, {}, {}]
    beside = SIGHTS_OF_TALLIES.handlers(is_read=True)
    assert [handler.loads for handler in beside] == [{}, {Sight: ("tally_id",)}, {Sight: ("tally_id",)}]


def test_of_an_event_that_has_both_the_handler_comes_first() -> None:
    assert handlers_with(Counting(), [SIGHTS_OF_TALLIES])[Seen].name == "count, Sight.seen"


def test_the_class_of_the_rows_is_frozen() -> None:
    @dataclass
    class Loose:
        id: UUID

    with pytest.raises(TypeError, match="Loose: without pending_events it is a row of a projection, which is frozen"):
        Mapper(Loose, "loose")
