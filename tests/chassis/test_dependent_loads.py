"""A handler may load aggregates by a field of other aggregates that it loads, on both stores."""

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from chassis.handling import By, Handler, MessageContext, by, handles
from chassis.persistence.connection import Pool
from chassis.persistence.store import PostgresStore, PostgresTransaction, Store
from chassis.unit_of_work import LoadPlan, NotLoaded, UnitOfWork
from tests.chassis.conftest import postgres_store
from tests.chassis.tally import Sample, Tally, TallyChanged

OF_ITS_GROUP = Handler(TallyChanged, {Tally: ("tally_id", by("group", of=Tally))}, lambda *_: None, "count")


def plan_for(*ids: UUID) -> LoadPlan:
    plan = LoadPlan()
    for id_ in ids:
        plan.include(OF_ITS_GROUP, TallyChanged(tally_id=id_, total=1))
    return plan


async def kept(store: Store, *groups: str) -> list[UUID]:
    """Store new tallies, one of each of these groups; returns their ids."""
    ids = [uuid4() for _ in groups]
    unit_of_work = UnitOfWork()
    for id_, group in zip(ids, groups, strict=True):
        unit_of_work.add(Tally(id_, group))
    async with store.transaction() as transaction:
        await transaction.save(unit_of_work)
    return ids


async def test_what_is_loaded_depends_on_what_is_kept(store: Store) -> None:
    one, sibling, stranger = await kept(store, "a", "a", "b")
    async with store.transaction() as transaction:
        unit_of_work = await transaction.load(plan_for(one))
    assert {tally.id for tally in unit_of_work.all(Tally, group="a")} == {one, sibling}
    with pytest.raises(NotLoaded):
        unit_of_work.find(Tally, stranger)


async def test_each_message_asks_for_its_own(store: Store) -> None:
    one, other = await kept(store, "a", "b")
    async with store.transaction() as transaction:
        unit_of_work = await transaction.load(plan_for(one, other))
    assert [tally.id for tally in unit_of_work.all(Tally, group="b")] == [other]


async def test_of_what_is_not_there_nothing_depends(store: Store) -> None:
    async with store.transaction() as transaction:
        unit_of_work = await transaction.load(plan_for(missing := uuid4()))
    assert unit_of_work.find(Tally, missing) is None


async def test_what_changes_between_the_first_look_and_the_lock_is_loaded_as_it_is_then(
    postgres: PostgresStore, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, in_b = await kept(postgres, "a", "b")
    lock_values, changes = PostgresTransaction._lock_values, ["b"]

    async def after_a_change(transaction: PostgresTransaction, plan: LoadPlan) -> None:
        if changes:
            await pool.execute('update tallies set "group" = $2 where id = $1', one, changes.pop())
        await lock_values(transaction, plan)

    monkeypatch.setattr(PostgresTransaction, "_lock_values", after_a_change)
    async with postgres.transaction() as transaction:
        unit_of_work = await transaction.load(plan_for(one))
    assert {tally.id for tally in unit_of_work.all(Tally, group="b")} == {one, in_b}


async def test_two_that_load_each_other_in_any_order_both_end(postgres: PostgresStore, pool: Pool) -> None:
    ids = await kept(postgres, *["a", "b"] * 20)

    async def load(store: PostgresStore, order: list[UUID]) -> None:
        for id_ in order:
            async with store.transaction() as transaction:
                await transaction.load(plan_for(id_, order[0]))

    async with asyncio.timeout(30):
        await asyncio.gather(load(postgres, ids), load(postgres_store(pool), ids[::-1]))


@pytest.mark.parametrize(
    ("loads", "message"),
    [
        ({Tally: by("group", of=Sample)}, "Sample has no 'group'"),
        ({Tally: by("group", "text", of=Sample)}, "Sample is not loaded by a field"),
        ({Tally: by("group", of=Tally)}, "Tally is not loaded by a field"),
    ],
    ids=["no such field", "not loaded", "depends on itself"],
)
def test_a_load_that_depends_on_nothing_is_refused_when_the_handler_is_declared(
    loads: dict[type[object], By], message: str
) -> None:
    def count(_: object, event: TallyChanged, uow: UnitOfWork, ctx: MessageContext) -> None: ...

    declare: Callable[..., object] = handles(TallyChanged, loads=loads)
    with pytest.raises(TypeError, match=message):
        declare(count)
