"""Aggregates are stored in PostgreSQL and loaded again unchanged, with one statement per class."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.handling import PermanentError
from chassis.persistence.connection import Pool
from chassis.persistence.mapper import Mapper
from chassis.persistence.repository import StaleAggregate
from chassis.persistence.store import PostgresStore
from chassis.testing.builders import a_context
from chassis.unit_of_work import LoadPlan, UnitOfWork, stored_fields
from contracts.event import Event
from contracts.vocabulary import CaseId
from tests.chassis.conftest import postgres_store
from tests.chassis.tally import Colour, Part, Sample, State, Tally


def a_sample(**given: Any) -> Sample:
    """An aggregate with values that are easily stored wrong."""
    usual: dict[str, Any] = {
        "id": uuid4(),
        "text": "Brugge – 'quoted' \\ {json} ✓\n",
        "flag": False,
        "number": -(2**63),
        "share": 0.1,
        "moment": datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2))),
        "day": date(2028, 2, 29),
        "case": CaseId(uuid4()),
        "colour": Colour.BLUE,
        "state": State.DONE,
        "parts": (Part("a", Colour.RED, date(2026, 1, 1)), Part("", Colour.BLUE)),
        "colours": (Colour.RED, Colour.RED),
        "best": Part("é", Colour.RED),
    }
    return Sample(**usual | given)


FULL: dict[str, Any] = {
    "maybe_text": "",
    "maybe_flag": False,
    "maybe_number": 0,
    "maybe_share": 0.0,
    "maybe_moment": datetime(2026, 1, 1, tzinfo=timezone.utc),  # noqa: UP017
    "maybe_day": date(2026, 1, 1),
    "maybe_case": CaseId(uuid4()),
    "maybe_colour": Colour.RED,
    "maybe_state": State.NEW,
    "maybe_best": Part("best", Colour.BLUE),
    "maybe_colours": (),
}


def wanting(kind: type[Any], *ids: UUID, **equals: Any) -> LoadPlan:
    """A plan to load these ids of a class, and those whose column has this value."""
    plan = LoadPlan()
    plan.ids[kind] = set(ids)
    for column, value in equals.items():
        plan.values[kind, column] = {value}
    return plan


@asynccontextmanager
async def working(store: PostgresStore, plan: LoadPlan | None = None) -> AsyncIterator[UnitOfWork]:
    """One transaction of a batch: load, work, number the events, save."""
    async with store.transaction() as transaction:
        unit_of_work = await transaction.load(plan or LoadPlan())
        yield unit_of_work
        unit_of_work.collect_events(a_context())
        await transaction.save(unit_of_work)


async def keep(store: PostgresStore, *aggregates: Any) -> None:
    async with working(store) as unit_of_work:
        for aggregate in aggregates:
            unit_of_work.add(aggregate)


async def kept(store: PostgresStore, kind: type[Any], id_: UUID) -> Any:
    async with working(store, wanting(kind, id_)) as unit_of_work:
        return replace(unit_of_work.get(kind, id_))


@pytest.mark.parametrize("given", [{}, FULL], ids=["absent", "present"])
async def test_every_type_of_field_comes_back_as_it_went(postgres: PostgresStore, given: dict[str, Any]) -> None:
    sample = a_sample(**given)
    await keep(postgres, sample)
    found = await kept(postgres, Sample, sample.id)
    assert found == sample
    for name in stored_fields(Sample):
        assert isinstance(getattr(found, name), type(getattr(sample, name))), name


async def test_every_type_of_field_can_be_changed_and_made_absent_again(postgres: PostgresStore) -> None:
    sample = a_sample()
    await keep(postgres, sample)
    for given in (FULL | {"text": "new", "parts": (), "flag": True}, dict.fromkeys(FULL)):
        async with working(postgres, wanting(Sample, sample.id)) as unit_of_work:
            loaded = unit_of_work.get(Sample, sample.id)
            for name, value in given.items():
                setattr(loaded, name, value)
            expected = replace(loaded)
        assert await kept(postgres, Sample, sample.id) == expected


@pytest.mark.parametrize("kind", [list[str], dict[str, str], set[str]])
def test_a_field_that_could_change_unseen_is_refused(kind: Any) -> None:
    @dataclass
    class Loose:
        id: UUID
        words: Any
        version: int = 0
        pending_events: list[Event] = field(default_factory=list)

    Loose.__annotations__["words"] = kind
    with pytest.raises(TypeError, match="words"):
        Mapper(Loose, "loose")


async def test_many_are_kept_and_found_at_once(postgres: PostgresStore) -> None:
    tallies = [Tally(uuid4(), "g", number) for number in range(300)]
    await keep(postgres, *tallies)
    async with working(postgres, wanting(Tally, *(tally.id for tally in tallies))) as unit_of_work:
        assert [unit_of_work.get(Tally, tally.id).total for tally in tallies] == list(range(300))


async def test_an_aggregate_that_another_transaction_changed_in_between_is_stale(postgres: PostgresStore) -> None:
    one, other = Tally(uuid4(), "g"), Tally(uuid4(), "g")
    await keep(postgres, one, other)
    async with postgres.transaction() as transaction:
        before = await transaction.load(wanting(Tally, one.id, other.id))
    async with working(postgres, wanting(Tally, one.id)) as unit_of_work:
        unit_of_work.get(Tally, one.id).add(5)
    for id_ in (one.id, other.id):
        before.get(Tally, id_).add(7)
    before.collect_events(a_context())
    with pytest.raises(StaleAggregate):
        await save(postgres, before)
    assert [(await kept(postgres, Tally, id_)).total for id_ in (one.id, other.id)] == [5, 0], "half of it was kept"


async def save(store: PostgresStore, unit_of_work: UnitOfWork) -> None:
    async with store.transaction() as transaction:
        await transaction.save(unit_of_work)


async def test_what_was_only_read_is_not_written(postgres: PostgresStore, pool: Pool) -> None:
    read, changed, touched = (Tally(uuid4(), "g") for _ in range(3))
    await keep(postgres, read, changed, touched)
    before = {row["id"]: row["xmin"] for row in await pool.fetch("select id, xmin::text from tallies")}
    async with working(postgres, wanting(Tally, read.id, changed.id, touched.id)) as unit_of_work:
        unit_of_work.get(Tally, read.id)
        unit_of_work.get(Tally, changed.id).add(1)
        tally = unit_of_work.get(Tally, touched.id)
        tally.total, tally.group = 9, "h"
        tally.total, tally.group = 0, "g"
    after = {row["id"]: row["xmin"] for row in await pool.fetch("select id, xmin::text from tallies")}
    assert {id_ for id_ in before if before[id_] != after[id_]} == {changed.id}


async def test_a_second_batch_waits_for_the_first_and_sees_what_it_did(postgres: PostgresStore, pool: Pool) -> None:
    tally = Tally(uuid4(), "g")
    await keep(postgres, tally)
    async with working(postgres, wanting(Tally, tally.id)) as unit_of_work:
        unit_of_work.get(Tally, tally.id).add(1)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await pool.execute("select 1 from tallies for update nowait")
    async with working(postgres, wanting(Tally, tally.id)) as unit_of_work:
        unit_of_work.get(Tally, tally.id).add(1)
    assert (await kept(postgres, Tally, tally.id)).total == 2


async def test_two_that_look_for_the_same_value_do_not_both_miss_what_the_other_adds(pool: Pool) -> None:
    first, second = postgres_store(pool), postgres_store(pool)
    async with first.transaction() as transaction:
        await transaction.load(wanting(Tally, group="g"))
        async with second.transaction() as other:
            await other.connection.execute("set local lock_timeout = '100ms'")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await other.load(wanting(Tally, group="g"))


async def test_all_of_a_group_are_found_also_those_added_or_moved_in_this_batch(postgres: PostgresStore) -> None:
    before, elsewhere, moving = Tally(uuid4(), "g"), Tally(uuid4(), "h"), Tally(uuid4(), "h")
    await keep(postgres, before, elsewhere, moving)
    async with working(postgres, wanting(Tally, moving.id, group="g")) as unit_of_work:
        new = Tally(uuid4(), "g")
        unit_of_work.add(new)
        unit_of_work.get(Tally, moving.id).group = "g"
        found = unit_of_work.all(Tally, group="g")
        assert [tally.id for tally in found] == sorted([before.id, new.id, moving.id])


async def test_what_was_not_declared_cannot_be_read(postgres: PostgresStore) -> None:
    tally = Tally(uuid4(), "g")
    await keep(postgres, tally)
    async with working(postgres, wanting(Tally, uuid4())) as unit_of_work:
        with pytest.raises(LookupError, match="declare"):
            unit_of_work.find(Tally, tally.id)
        with pytest.raises(LookupError, match="declare"):
            unit_of_work.get(Sample, tally.id)
        with pytest.raises(LookupError, match="declare"):
            unit_of_work.all(Tally, group="g")


async def test_what_does_not_exist_is_none_or_permanent(postgres: PostgresStore) -> None:
    nobody = uuid4()
    async with working(postgres, wanting(Tally, nobody, group="g")) as unit_of_work:
        assert unit_of_work.find(Tally, nobody) is None
        assert unit_of_work.find(Tally, None) is None
        assert unit_of_work.all(Tally, group="g") == []
        with pytest.raises(PermanentError, match=r"Tally .* bestaat niet"):
            unit_of_work.get(Tally, nobody)


async def test_the_same_aggregate_is_one_object_however_it_was_asked_for(postgres: PostgresStore) -> None:
    tally = Tally(uuid4(), "g")
    await keep(postgres, tally)
    async with working(postgres, wanting(Tally, tally.id, group="g")) as unit_of_work:
        (by_group,) = unit_of_work.all(Tally, group="g")
        assert by_group is unit_of_work.get(Tally, tally.id)


async def test_an_aggregate_is_added_once(postgres: PostgresStore) -> None:
    tally = Tally(uuid4(), "g")
    await keep(postgres, tally)
    async with working(postgres, wanting(Tally, tally.id)) as unit_of_work:
        with pytest.raises(PermanentError, match="exists already"):
            unit_of_work.add(Tally(tally.id, "g"))
    with pytest.raises(asyncpg.UniqueViolationError):
        await keep(postgres, Tally(tally.id, "g"))


async def test_an_event_with_another_key_than_its_aggregate_is_refused(postgres: PostgresStore) -> None:
    tally, other = Tally(uuid4(), "g"), Tally(uuid4(), "g")
    other.add(1)
    tally.pending_events += other.pending_events
    with pytest.raises(TypeError, match="keyed by another id"):
        await keep(postgres, tally)
