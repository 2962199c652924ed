"""The outbox loses nothing, repeats nothing, and keeps the order in which records were added."""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from asyncpg import UniqueViolationError

from chassis.handling import PermanentError
from chassis.outbox_records import LARGEST, OutboxRecord, OutboxRecordFactory
from chassis.persistence.outbox import Hold, Unpublished
from chassis.persistence.store import PostgresStore, Store
from chassis.testing.builders import NOON, a_context, an_outbox_record
from chassis.unit_of_work import RecordedEvent
from contracts.event import Event, event
from tests.chassis.tally import a_count

MINUTE = timedelta(minutes=1)


@event("be.duaalwest.tally.Noted.v1", topic="duaal.tally.tallies", key="tally_id")
class Noted(Event):
    """An event of any size."""

    tally_id: UUID
    words: str


def outbox_record(aggregate_id: UUID | None = None, sequence: int = 1) -> OutboxRecord:
    return an_outbox_record(a_count(aggregate_id), sequence)


async def append(store: Store, *records: OutboxRecord) -> None:
    async with store.transaction() as transaction:
        await transaction.outbox.append(records)


async def unpublished(store: Store, limit: int = 100, now: datetime = NOON) -> list[Unpublished]:
    async with store.transaction() as transaction:
        return await transaction.outbox.unpublished(limit, now)


async def records(store: Store) -> list[OutboxRecord]:
    return [row.record for row in await unpublished(store)]


async def test_records_come_out_in_the_order_in_which_they_were_added(store: Store) -> None:
    made = [outbox_record() for _ in range(20)]
    await append(store, *made[:15])
    await append(store, *made[15:])
    rows = await unpublished(store)
    assert [row.record for row in rows] == made
    positions = [row.position for row in rows]
    assert positions == sorted(set(positions))


async def test_the_oldest_come_first_when_not_all_are_asked_for(store: Store) -> None:
    made = [outbox_record() for _ in range(5)]
    await append(store, *made)
    assert [row.record for row in await unpublished(store, limit=2)] == made[:2]


async def test_the_same_sequence_of_an_aggregate_is_not_added_twice(store: Store) -> None:
    id_ = uuid4()
    await append(store, outbox_record(id_, 1))
    with pytest.raises(UniqueViolationError):
        await append(store, outbox_record(), outbox_record(id_, 1))
    assert len(await records(store)) == 1


async def test_a_key_that_is_held_is_left_alone_until_its_time_has_come(store: Store) -> None:
    held, free = uuid4(), uuid4()
    await append(store, outbox_record(held, 1), outbox_record(free, 1), outbox_record(held, 2))
    (first, *_) = await unpublished(store)
    async with store.transaction() as transaction:
        await transaction.outbox.hold([Hold(first.position, NOON + MINUTE, "MessageSizeTooLargeError")])
    assert [row.record.aggregate_id for row in await unpublished(store)] == [free]
    await append(store, outbox_record(held, 3))
    assert [row.record.aggregate_id for row in await unpublished(store)] == [free], "what came later was let through"
    rows = await unpublished(store, now=NOON + MINUTE)
    assert [row.record.sequence for row in rows if row.record.aggregate_id == held] == [1, 2, 3]


async def test_what_is_published_is_gone_and_the_rest_stays(store: Store) -> None:
    made = [outbox_record() for _ in range(3)]
    await append(store, *made)
    rows = await unpublished(store)
    async with store.transaction() as transaction:
        await transaction.outbox.published([rows[0].position, rows[2].position])
    assert await records(store) == [made[1]]


async def test_a_position_is_never_used_again(store: Store) -> None:
    await append(store, outbox_record())
    (first,) = await unpublished(store)
    async with store.transaction() as transaction:
        await transaction.outbox.published([first.position])
    await append(store, outbox_record())
    (second,) = await unpublished(store)
    assert second.position > first.position


async def test_a_record_that_is_rolled_back_was_never_added(store: Store) -> None:
    with suppress(RuntimeError):
        async with store.transaction() as transaction:
            await transaction.outbox.append([outbox_record()])
            raise RuntimeError
    assert await records(store) == []


async def test_headers_and_value_come_out_byte_for_byte(store: Store) -> None:
    headers = [("ce_subject", "Brugge – Oostende ✓"), ("ce_source", "/x"), ("ce_source", "\x00twice")]
    record = outbox_record()._replace(headers=headers, value=bytes(range(256)))
    await append(store, record)
    assert await records(store) == [record]


async def test_a_transaction_that_commits_late_is_not_skipped(postgres: PostgresStore) -> None:
    early, late = outbox_record(), outbox_record()
    async with postgres.transaction() as slow:
        await slow.outbox.append([late])
        await append(postgres, early)
        (row,) = await unpublished(postgres)
        assert row.record == early, "a transaction that is still open was read"
        async with postgres.transaction() as transaction:
            await transaction.outbox.published([row.position])
    (row_of_late,) = await unpublished(postgres)
    assert row_of_late.record == late
    assert row_of_late.position < row.position, "the test wants the late one to have the lower position"


def test_an_event_that_is_too_large_for_the_broker_is_refused() -> None:
    make_records = OutboxRecordFactory("tally", lambda: NOON)
    largest = LARGEST - len(Noted(tally_id=uuid4(), words="").to_json())
    make_records([RecordedEvent(Noted(tally_id=uuid4(), words="x" * largest), 1, a_context())])
    with pytest.raises(PermanentError, match="at most"):
        make_records([RecordedEvent(Noted(tally_id=uuid4(), words="x" * (largest + 1)), 1, a_context())])
