"""The dead letters of a key go through the pipeline again, in order, or stay as they are."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest

from chassis.failures import RetryPolicy
from chassis.handling import PermanentError, TransientError
from chassis.messaging.pipeline import Paused
from chassis.messaging.redrive import NotWaiting, Redrive
from chassis.persistence.idempotency import IdempotencyRecord
from chassis.persistence.store import NewRows, PostgresStore, Store, Transaction
from chassis.record import Outcome, Record
from chassis.testing.builders import a_record
from chassis.testing.eventually import eventually
from contracts.vocabulary import DeadLetterReason
from tests.chassis.conftest import Gated, RecordingPublisher, Rig, Unreliable
from tests.chassis.tally import Counted, Handlers, a_count
from tests.chassis.test_pipeline import totals

TALLY_ID = uuid4()


class Trouble:
    """A bug of a handler: some amounts fail until it is fixed."""

    def __init__(self, *amounts: int) -> None:
        self.amounts = set(amounts)

    def __call__(self, event: Counted) -> None:
        if event.amount in self.amounts:
            raise PermanentError("not yet")


class Passing:
    """A handler that fails with a transient error."""

    def __call__(self, _: Counted) -> None:
        raise TransientError("busy")


class Interrupted:
    """A store that runs something else first, before one of its transactions."""

    def __init__(self, store: Store, at: int, by: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._left = at
        self._by = by

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        self._left -= 1
        if self._left == 0:
            await self._by()
        async with self._store.transaction() as transaction:
            yield transaction

    async def insert(self, rows: NewRows) -> None:
        await self._store.insert(rows)

    async def answers(self, keys: Collection[str]) -> Mapping[str, IdempotencyRecord]:
        return await self._store.answers(keys)


def with_trouble(rig: Rig, trouble: Trouble) -> Rig:
    return replace(rig, handlers=Handlers(trouble), slept=[], publisher=RecordingPublisher())


def redrive_of(rig: Rig) -> Redrive:
    return Redrive(rig.pipeline, rig.store, by="tester")


def counts(*amounts: int) -> list[Record]:
    return [a_record(a_count(TALLY_ID, amount)) for amount in amounts]


async def test_what_is_parked_is_handled_in_order_once_the_cause_is_gone(rig: Rig) -> None:
    trouble = Trouble(10)
    rig = with_trouble(rig, trouble)
    outcomes = await rig.deliver(*counts(1, 10, 100, 1000))
    assert outcomes == [Outcome.HANDLED, Outcome.DEAD_LETTERED, Outcome.PARKED, Outcome.PARKED]
    trouble.amounts.clear()
    first, *_ = await rig.letters()
    done = await redrive_of(rig).redrive(first)
    assert [one.outcome for one in done] == [Outcome.HANDLED] * 3
    assert totals(await rig.outbox(), TALLY_ID) == [1, 11, 111, 1111]
    assert await rig.letters() == []


async def test_a_redrive_stops_at_the_first_that_fails_again(rig: Rig) -> None:
    trouble = Trouble(10, 100)
    rig = with_trouble(rig, trouble)
    await rig.deliver(*counts(1, 10, 100, 1000))
    trouble.amounts.discard(10)
    first, *_ = await rig.letters()
    done = await redrive_of(rig).redrive(first)
    assert [one.outcome for one in done] == [Outcome.HANDLED, Outcome.DEAD_LETTERED]
    assert await rig.total(TALLY_ID) == 11
    left = await rig.letters()
    assert [letter.reason for letter in left] == [DeadLetterReason.BEHIND] * 2
    assert [letter.attempts for letter in left] == [1, 0]


async def test_what_another_process_handles_meanwhile_is_not_set_aside(rig: Rig) -> None:
    (record,) = counts(1)

    async def the_other_one() -> None:
        assert await rig.deliver(record) == [Outcome.HANDLED]

    # The third transaction: after the attempt with the batch and the one alone, when it would be set aside.
    interrupted = Interrupted(rig.store, at=3, by=the_other_one)
    impatient = replace(
        rig, store=interrupted, handlers=Handlers(Passing()), retry_policy=RetryPolicy(attempts=1), slept=[]
    )
    assert await impatient.deliver(record) == [Outcome.DUPLICATE]
    assert await rig.letters() == []


async def test_what_comes_twice_with_different_data_is_handled_once_for_all_that(rig: Rig) -> None:
    (good,) = counts(1)
    bad = good._replace(value=b"not a valid event", key=None, offset=good.offset + 1_000_000)
    outcomes = await rig.deliver(bad, good)
    assert outcomes == [Outcome.DEAD_LETTERED, Outcome.HANDLED]
    assert await rig.deliver(good) == [Outcome.DUPLICATE]


async def test_what_was_handled_does_not_wait_behind_a_later_dead_letter_of_its_key(rig: Rig) -> None:
    rig = with_trouble(rig, Trouble(10))
    fine, refused = counts(1, 10)
    assert await rig.deliver(fine, refused) == [Outcome.HANDLED, Outcome.DEAD_LETTERED]
    assert await rig.deliver(fine) == [Outcome.DUPLICATE]
    assert len(await rig.letters()) == 1


async def test_after_a_redrive_the_key_is_not_parked_any_more(rig: Rig) -> None:
    trouble = Trouble(10)
    rig = with_trouble(rig, trouble)
    await rig.deliver(*counts(10))
    trouble.amounts.clear()
    (letter,) = await rig.letters()
    await redrive_of(rig).redrive(letter)
    assert await rig.deliver(*counts(100)) == [Outcome.HANDLED]
    assert totals(await rig.outbox(), TALLY_ID) == [10, 110]


async def test_any_letter_of_the_key_starts_with_the_first(rig: Rig) -> None:
    trouble = Trouble(10)
    rig = with_trouble(rig, trouble)
    await rig.deliver(*counts(10, 100))
    trouble.amounts.clear()
    *_, last = await rig.letters()
    assert len(await redrive_of(rig).redrive(last)) == 2
    assert totals(await rig.outbox(), TALLY_ID) == [10, 110]


async def test_a_record_that_was_handled_in_the_meantime_is_closed_as_a_duplicate(rig: Rig) -> None:
    trouble = Trouble(10)
    rig = with_trouble(rig, trouble)
    (record,) = counts(10)
    await rig.deliver(record)
    again = record._replace(partition=record.partition + 1, key=b"another key")
    trouble.amounts.clear()
    await rig.deliver(again)
    (letter,) = await rig.letters()
    (done,) = await redrive_of(rig).redrive(letter)
    assert done.outcome is Outcome.DUPLICATE
    assert await rig.total(TALLY_ID) == 10


async def test_a_discarded_letter_needs_a_reason_and_what_waits_behind_it_still_waits(rig: Rig) -> None:
    rig = with_trouble(rig, Trouble(10))
    await rig.deliver(*counts(10, 100))
    first, behind = await rig.letters()
    with pytest.raises(ValueError, match="why"):
        await redrive_of(rig).discard(first, "  ")
    await redrive_of(rig).discard(first, "sent by mistake")
    assert [letter.id for letter in await rig.letters()] == [behind.id]
    assert await rig.deliver(*counts(1000)) == [Outcome.PARKED]
    await redrive_of(rig).redrive(behind)
    assert totals(await rig.outbox(), TALLY_ID) == [100, 1100]


async def test_a_closed_letter_is_not_opened_again_by_a_second_delivery(rig: Rig) -> None:
    rig = with_trouble(rig, Trouble(10))
    records = counts(10)
    await rig.deliver(*records)
    (letter,) = await rig.letters()
    await redrive_of(rig).discard(letter, "sent by mistake")
    assert await rig.deliver(*records) == [Outcome.DUPLICATE]
    assert await rig.letters() == []


async def test_a_redrive_while_the_database_is_down_changes_nothing(rig: Rig) -> None:
    trouble = Trouble(10)
    rig = with_trouble(rig, trouble)
    await rig.deliver(*counts(10))
    trouble.amounts.clear()
    (letter,) = await rig.letters()
    down = replace(
        rig, store=Unreliable(rig.store, breaks=1), retry_policy=RetryPolicy(), slept=[], publisher=RecordingPublisher()
    )
    with pytest.raises(Paused):
        await down.pipeline.redrive(letter, "tester")
    assert [one.attempts for one in await rig.letters()] == [letter.attempts]
    assert await rig.total(TALLY_ID) is None


async def test_a_letter_is_found_by_how_its_id_begins(rig: Rig) -> None:
    rig = with_trouble(rig, Trouble(10))
    await rig.deliver(*counts(10))
    (letter,) = await rig.letters()
    assert (await redrive_of(rig).find(str(letter.id)[:8])).id == letter.id
    with pytest.raises(NotWaiting):
        await redrive_of(rig).find("zzz")


async def test_a_live_record_of_the_key_waits_for_the_redrive_that_is_at_work(postgres: PostgresStore) -> None:
    trouble = Trouble(10)
    rig = with_trouble(Rig(postgres), trouble)
    await rig.deliver(*counts(10))
    trouble.amounts.clear()
    (letter,) = await rig.letters()
    gated = Gated(postgres)
    at_work = with_trouble(Rig(gated), trouble)
    redriving = asyncio.create_task(at_work.pipeline.redrive(letter, "tester"))
    await eventually(lambda: gated.waiting == 1)
    live = asyncio.create_task(rig.deliver(*counts(100)))
    # Time to do it wrong: before the gate is open it cannot end, however long this takes.
    await asyncio.wait([live], timeout=0.3)
    assert not live.done()
    gated.gate.set()
    assert await redriving is Outcome.HANDLED
    assert await live == [Outcome.HANDLED]
    assert totals(await rig.outbox(), TALLY_ID) == [10, 110]
