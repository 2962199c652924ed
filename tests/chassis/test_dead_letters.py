"""A record that is set aside is kept exactly as it came, once, and parks its key."""

from contextlib import suppress
from dataclasses import replace

import pytest

from chassis.persistence.connection import Pool
from chassis.persistence.dead_letters import DeadLetter, OrderingKey
from chassis.persistence.store import PostgresStore, Store
from chassis.record import Record
from chassis.testing.builders import a_record
from contracts.vocabulary import DeadLetterReason


def a_letter(record: Record | None = None) -> DeadLetter:
    record = record or a_record(key=b"k")
    return DeadLetter(record, DeadLetterReason.REFUSED, "ValueError", "amount: too much", 3, "be.duaalwest.x.Y.v1")


async def open_(store: Store, *letters: DeadLetter) -> list[bool]:
    """Open letters; returns for each whether it was new."""
    async with store.transaction() as transaction:
        opened = await transaction.dead_letters.open(letters)
    return [letter.id in opened for letter in letters]


async def kept(store: Store) -> list[DeadLetter]:
    async with store.transaction() as transaction:
        return await transaction.dead_letters.list_open()


async def parked(store: Store, *keys: OrderingKey) -> set[OrderingKey]:
    async with store.transaction() as transaction:
        return await transaction.dead_letters.parked(keys)


@pytest.mark.parametrize(
    "record",
    [
        a_record(key=b"k", headers=[("ce_id", b"1"), ("ce_id", b"1"), ("CE_Id", b"")], value=b"{}"),
        a_record(key=b"k", headers=[("ce_id", None)], value=b"{}"),
        a_record(key=b"k", headers=[("x", b"\xff\xfe\x00")], value=b"{}"),
        a_record(key=b"k", headers=[("x\x00é", b"1")], value=b"{}"),
        a_record(key=b"k", value=None),
        a_record(key=None, value=b"{}"),
        a_record(key=b"", value=b""),
        a_record(key=b"\x00\xff", value=bytes(range(256)) * 4_000),
    ],
    ids=["doubled", "null-header", "not-utf8", "odd-name", "tombstone", "no-key", "empty", "large"],
)
async def test_a_letter_gives_back_the_record_byte_for_byte(store: Store, record: Record) -> None:
    letter = a_letter(record)
    await open_(store, letter)
    (found,) = await kept(store)
    assert found.record._replace(headers=list(found.record.headers)) == record
    assert replace(found, record=letter.record) == letter
    assert found.id == letter.id


async def test_letters_are_listed_oldest_first(store: Store) -> None:
    letters = [a_letter() for _ in range(5)]
    await open_(store, *letters)
    assert [letter.id for letter in await kept(store)] == [letter.id for letter in letters]


async def test_a_letter_is_opened_once_however_often_it_is_set_aside(store: Store) -> None:
    letter, other = a_letter(), a_letter()
    assert await open_(store, letter) == [True]
    assert await open_(store, letter, other) == [False, True]
    assert len(await kept(store)) == 2


async def test_another_record_in_the_same_place_of_a_topic_made_anew_is_another_letter(store: Store) -> None:
    record = a_record(key=b"k", value=b"1")
    assert await open_(store, a_letter(record)) == [True]
    assert await open_(store, a_letter(record._replace(value=b"2"))) == [True]
    assert len(await kept(store)) == 2


async def test_a_letter_that_is_rolled_back_was_never_opened(store: Store) -> None:
    letter = a_letter()
    with suppress(RuntimeError):
        async with store.transaction() as transaction:
            await transaction.dead_letters.open([letter])
            raise RuntimeError
    assert await kept(store) == []
    assert await open_(store, letter) == [True]


async def test_an_open_letter_parks_its_key_on_its_own_topic_only(store: Store) -> None:
    await open_(store, a_letter(a_record(topic="a", key=b"k")))
    same, elsewhere, other = OrderingKey("a", b"k"), OrderingKey("b", b"k"), OrderingKey("a", b"K")
    assert await parked(store, same, elsewhere, other) == {same}


async def test_a_letter_without_a_key_parks_nothing(store: Store) -> None:
    await open_(store, a_letter(a_record(topic="a", key=None)))
    assert await parked(store, OrderingKey("a", b"")) == set()


@pytest.mark.parametrize("status", ["redriven", "discarded"])
async def test_a_letter_that_was_dealt_with_parks_nothing_any_more(
    postgres: PostgresStore, pool: Pool, status: str
) -> None:
    letter = a_letter(a_record(topic="a", key=b"k"))
    await open_(postgres, letter)
    await pool.execute("update dead_letters set status = $1", status)
    assert await parked(postgres, OrderingKey("a", b"k")) == set()
    assert await kept(postgres) == []
    assert await open_(postgres, letter) == [False], "setting it aside again would undo the decision of an operator"
