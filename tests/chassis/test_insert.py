"""The rows of handlers that load nothing are inserted in one statement: all or nothing, in both stores."""

import asyncio
from uuid import UUID, uuid4

import pytest

from chassis.handling import PermanentError
from chassis.persistence.dead_letters import OrderingKey
from chassis.persistence.idempotency import AnsweredMeanwhile, IdempotencyRecord
from chassis.persistence.inbox import EventKey
from chassis.persistence.statement import Parameters, combined
from chassis.persistence.store import NewRows, NotNew, PostgresStore, Store
from chassis.persistence.timers import WaitingTimer
from chassis.testing.builders import END_OF_TIME, NOON, a_record, an_outbox_record
from tests.chassis.conftest import Rig
from tests.chassis.tally import Handlers, Tally, a_count

EVENT = EventKey("/services/a", "1")


def a_new(tally_id: UUID | None = None, *keys: EventKey, **others: object) -> NewRows:
    """The rows of a new tally and its event."""
    id_ = tally_id or uuid4()
    record = an_outbox_record(a_count(id_))
    return NewRows({Tally: [Tally(id_, "all", 1, 1)]}, [record], [], keys or (EVENT,), **others)  # type: ignore[arg-type]


async def kept(store: Store) -> tuple[int, bool]:
    """The number of outbox records, and whether the event is in the inbox."""
    async with store.transaction() as transaction:
        records = await transaction.outbox.unpublished(100, END_OF_TIME)
        known = not await transaction.inbox.admit([EVENT])
        if not known:
            await transaction.inbox.forget([EVENT])
        return len(records), known


async def test_all_of_it_is_kept(store: Store) -> None:
    id_ = uuid4()
    timer = WaitingTimer(NOON, an_outbox_record(a_count()))
    await store.insert(a_new(id_)._replace(timers=[timer]))
    assert await kept(store) == (1, True)
    assert await Rig(store).total(id_) == 1
    async with store.transaction() as transaction:
        assert await transaction.timers.fire(END_OF_TIME, 10) == 1


async def test_nothing_to_keep_is_no_statement(store: Store) -> None:
    await store.insert(NewRows({}, [], []))


async def test_when_the_event_is_known_nothing_is_kept(store: Store) -> None:
    await store.insert(a_new())
    id_ = uuid4()
    with pytest.raises(NotNew):
        await store.insert(a_new(id_, EVENT, EventKey("/services/a", "2")))
    assert await kept(store) == (1, True)
    assert await Rig(store).total(id_) is None


async def test_when_the_aggregate_is_there_nothing_is_kept(store: Store) -> None:
    id_ = uuid4()
    await store.insert(a_new(id_, EventKey("/services/a", "another")))
    with pytest.raises(NotNew):
        await store.insert(a_new(id_))
    assert await kept(store) == (1, False)


async def test_when_its_key_is_parked_nothing_is_kept(store: Store) -> None:
    def refuse(_: object) -> None:
        raise PermanentError("no")

    rig = Rig(store, handlers=Handlers(refuse))
    await rig.deliver(a_record(a_count(), key=b"parked"))
    (letter,) = await rig.letters()
    parked = OrderingKey(letter.record.topic, b"parked")
    with pytest.raises(NotNew):
        await store.insert(a_new(behind={parked, parked._replace(key=b"free")}))
    assert await kept(store) == (1, False), "there is more than the notice of the dead letter"
    await store.insert(a_new(behind={parked._replace(key=b"free")}))


async def test_an_answer_is_kept_once(store: Store) -> None:
    form, another = IdempotencyRecord("the-key-of-a-form", "print", "{}"), IdempotencyRecord("another", "print", "{}")
    await store.insert(a_new(answers=[form]))
    with pytest.raises(NotNew):
        await store.insert(a_new(uuid4(), EventKey("/services/a", "2"), answers=[form, another]))
    assert await store.answers(["the-key-of-a-form", "another", "unheard-of"]) == {"the-key-of-a-form": form}
    async with store.transaction() as transaction:
        await transaction.idempotency_records.add([another])
    with pytest.raises(AnsweredMeanwhile):
        async with store.transaction() as transaction:
            await transaction.idempotency_records.add([another])


async def test_of_two_that_keep_the_same_event_at_once_one_does(postgres: PostgresStore) -> None:
    others = [EventKey("/services/a", str(number)) for number in range(2, 50)]
    keys = [[EVENT, *others], [*reversed(others), EVENT]]
    ends = await asyncio.gather(*(postgres.insert(a_new(None, *some)) for some in keys), return_exceptions=True)
    assert sorted(map(repr, ends)) == ["None", "NotNew()"]
    assert await kept(postgres) == (1, True)


def test_the_parameters_of_one_statement_are_numbered_in_the_order_in_which_they_are_added() -> None:
    parameters = Parameters()
    assert [parameters.add(value) for value in ("a", None)] == ["$1", "$2"]
    assert parameters.unnest([[1], [2]], ("int", "text")) == "unnest($3::int[], $4::text[])"
    assert parameters.values == ["a", None, [1], [2]]


async def test_combined_inserts_are_carried_out_in_their_order(postgres: PostgresStore) -> None:
    """All transactions have to lock in the same order, or two could wait for each other."""
    async with postgres.transaction() as transaction:
        connection = transaction.connection
        await connection.execute("create temporary sequence step")
        tables = [f"step_{at}" for at in range(4)]
        for table in tables:
            await connection.execute(f"create temporary table {table} (at bigint default nextval('step'), x int)")
        await connection.execute(combined([f"insert into {table} (x) values (1)" for table in tables]))
        assert [await connection.fetchval(f"select at from {table}") for table in tables] == [1, 2, 3, 4]
        await connection.execute(f"drop table {', '.join(tables)}; drop sequence step")
