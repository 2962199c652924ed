"""What handlers leave that read nothing is kept in one statement: all of it or nothing, in both stores."""

import asyncio
from uuid import UUID, uuid4

import pytest

from chassis.handling import PermanentError
from chassis.messaging.dead_letters import Key
from chassis.messaging.inbox import EventKey
from chassis.messaging.store import IdempotencyRecord, New, NotNew, PostgresStore, Store
from chassis.messaging.timers import Waiting
from chassis.persistence.statement import Statement, together
from chassis.testing.builders import END_OF_TIME, NOON, a_record, an_outbox_record
from tests.chassis.conftest import Rig
from tests.chassis.tally import Handlers, Tally, a_count

SAID = EventKey("/services/a", "1")


def a_new(tally_id: UUID | None = None, *said: EventKey, **others: object) -> New:
    """A tally that begins, and tells."""
    id_ = tally_id or uuid4()
    fact = an_outbox_record(a_count(id_))
    return New({Tally: [Tally(id_, "all", 1, 1)]}, [fact], [], said or (SAID,), **others)  # type: ignore[arg-type]


async def kept(store: Store) -> tuple[int, bool]:
    """How many promises there are, and whether the event is known."""
    async with store.transaction() as transaction:
        promises = await transaction.outbox.unpublished(100, END_OF_TIME)
        known = not await transaction.inbox.admit([SAID])
        if not known:
            await transaction.inbox.forget([SAID])
        return len(promises), known


async def test_all_of_it_is_kept(store: Store) -> None:
    id_ = uuid4()
    timer = Waiting(NOON, an_outbox_record(a_count()))
    await store.insert(a_new(id_)._replace(timers=[timer]))
    assert await kept(store) == (1, True)
    assert await Rig(store).total(id_) == 1
    async with store.transaction() as transaction:
        assert await transaction.timers.fire(END_OF_TIME, 10) == 1


async def test_nothing_to_keep_is_no_statement(store: Store) -> None:
    await store.insert(New({}, [], []))


async def test_when_the_event_is_known_nothing_is_kept(store: Store) -> None:
    await store.insert(a_new())
    id_ = uuid4()
    with pytest.raises(NotNew):
        await store.insert(a_new(id_, SAID, EventKey("/services/a", "2")))
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
    parked = Key(letter.record.topic, b"parked")
    with pytest.raises(NotNew):
        await store.insert(a_new(behind={parked, parked._replace(key=b"free")}))
    assert await kept(store) == (1, False), "there is more than the notice of the dead letter"
    await store.insert(a_new(behind={parked._replace(key=b"free")}))


async def test_a_claim_is_kept_once(postgres: PostgresStore) -> None:
    claims = [IdempotencyRecord("the-key-of-a-form", "print", "{}"), IdempotencyRecord("another", "print", "{}")]
    await postgres.insert(a_new(claims=claims[:1]))
    with pytest.raises(NotNew):
        await postgres.insert(a_new(uuid4(), EventKey("/services/a", "2"), claims=claims))
    async with postgres.transaction() as transaction:
        assert await transaction.answer_to(claims[0]) == "{}"
        assert await transaction.claim(claims[1:])


async def test_of_two_that_keep_the_same_event_at_once_one_does(postgres: PostgresStore) -> None:
    others = [EventKey("/services/a", str(number)) for number in range(2, 50)]
    said = [[SAID, *others], [*reversed(others), SAID]]
    ends = await asyncio.gather(*(postgres.insert(a_new(None, *some)) for some in said), return_exceptions=True)
    assert sorted(map(repr, ends)) == ["None", "NotNew()"]
    assert await kept(postgres) == (1, True)


def test_the_arguments_of_statements_that_go_together_are_numbered_on() -> None:
    one, two = Statement("insert into a values ($1, $2)", [1, 2]), Statement("insert into b values ($2, $1)", [3, 4])
    assert together(one) == one
    assert together(one, two) == Statement(
        "with also_0 as (insert into b values ($4, $3)) insert into a values ($1, $2)", [1, 2, 3, 4]
    )


async def test_statements_that_go_together_are_carried_out_in_their_order(postgres: PostgresStore) -> None:
    """Whoever locks in another order than everybody else waits for ever."""
    async with postgres.transaction() as transaction:
        connection = transaction.connection
        await connection.execute("create temporary sequence step")
        tables = [f"step_{at}" for at in range(4)]
        for table in tables:
            await connection.execute(f"create temporary table {table} (at bigint default nextval('step'), x int)")
        sql, arguments = together(*(Statement(f"insert into {table} (x) values ($1)", [1]) for table in tables))
        await connection.execute(sql, *arguments)
        assert [await connection.fetchval(f"select at from {table}") for table in tables] == [1, 2, 3, 4]
        await connection.execute(f"drop table {', '.join(tables)}; drop sequence step")
