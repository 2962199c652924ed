"""The inbox admits every event once, unless its transaction is rolled back."""

from contextlib import suppress

from chassis.persistence.connection import Pool
from chassis.persistence.inbox import EventKey
from chassis.persistence.store import Store
from tests.chassis.conftest import postgres_store

ONE, TWO = EventKey("/services/a", "1"), EventKey("/services/a", "2")


async def admit(store: Store, *keys: EventKey) -> set[EventKey]:
    async with store.transaction() as transaction:
        return await transaction.inbox.admit(keys)


async def test_an_event_is_admitted_once(store: Store) -> None:
    assert await admit(store, ONE) == {ONE}
    assert await admit(store, ONE) == set()


async def test_only_what_is_new_is_admitted(store: Store) -> None:
    await admit(store, ONE)
    assert await admit(store, ONE, TWO) == {TWO}


async def test_an_event_that_is_twice_in_a_batch_is_admitted_once(store: Store) -> None:
    assert await admit(store, ONE, ONE) == {ONE}
    assert await admit(store, ONE) == set()


async def test_what_was_not_handled_after_all_is_admitted_again(store: Store) -> None:
    async with store.transaction() as transaction:
        await transaction.inbox.admit([ONE, TWO])
        await transaction.inbox.forget([ONE])
    assert await admit(store, ONE, TWO) == {ONE}


async def test_two_sources_may_use_the_same_id(store: Store) -> None:
    other = EventKey("/services/b", ONE.id)
    await admit(store, ONE)
    assert await admit(store, other) == {other}


async def test_an_id_is_compared_to_the_letter(store: Store) -> None:
    keys = [EventKey("/s", text) for text in ("a", "A", "a ", "é", "e\u0301")]
    assert await admit(store, *keys) == set(keys)


async def test_what_is_rolled_back_is_admitted_again(store: Store) -> None:
    with suppress(RuntimeError):
        async with store.transaction() as transaction:
            await transaction.inbox.admit([ONE])
            raise RuntimeError
    assert await admit(store, ONE) == {ONE}


async def test_every_consumer_has_an_inbox_of_its_own(pool: Pool) -> None:
    assert await admit(postgres_store(pool, "tally"), ONE) == {ONE}
    assert await admit(postgres_store(pool, "other"), ONE) == {ONE}
    assert await admit(postgres_store(pool, "other"), ONE) == set()
