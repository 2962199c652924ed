"""A command is executed once; a repetition with the same key gets the first answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.commands import CALLER_LEFT, Commands, Overloaded
from chassis.execution import Executor
from chassis.handling import PermanentError, Refused, TransientError, handlers_of
from chassis.observability.metrics import Metrics
from chassis.persistence.idempotency import KeyUsedTwice
from chassis.persistence.store import NewRows, PostgresStore
from chassis.testing.builders import NOON, a_record
from chassis.testing.eventually import eventually
from tests.chassis.conftest import Gated, RecordingPublisher, Rig, WithoutTransactions
from tests.chassis.tally import Begin, Count, Handlers, Total, a_count
from tests.turns import turns

KEY = "the-key-of-a-form"
NEW = UUID(int=7)


class LostAnswer:
    """A store whose transactions commit, after which the connection fails before the answer arrives."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._store.transaction() as transaction:
            yield transaction
        raise ConnectionResetError


class Desk:
    """Executes commands of tally, on one existing tally with a total of 1."""

    def __init__(
        self, rig_store: PostgresStore, trouble: Callable[[Any], None] = lambda _: None, store: Any = None
    ) -> None:
        self.rig = Rig(rig_store)
        self.tally_id = uuid4()
        self.publisher = RecordingPublisher()
        executor = Executor("tally", store or rig_store, now=lambda: NOON, publisher=self.publisher)
        self.commands = Commands("tally", handlers_of(Handlers(trouble)), executor, Metrics(), now=lambda: NOON)

    async def open(self) -> "Desk":
        await self.rig.deliver(a_record(a_count(self.tally_id)))
        return self

    async def count(self, amount: int = 1, key: str | None = None) -> int:
        """Count by hand."""
        return (await self.commands.execute(Count(tally_id=self.tally_id, amount=amount), Total, key)).total

    async def total(self) -> int | None:
        return await self.rig.total(self.tally_id)


@pytest.fixture
async def desk(postgres: PostgresStore) -> Desk:
    return await Desk(postgres).open()


async def test_a_command_is_answered_stored_and_published(desk: Desk) -> None:
    assert await desk.count(4) == 5
    assert await desk.total() == 5
    assert len(await desk.rig.outbox()) == 2
    assert desk.publisher.woken == 1


async def test_the_same_request_gets_the_same_answer_and_has_no_second_effect(desk: Desk) -> None:
    first = await desk.count(4, KEY)
    await desk.count(1)
    assert await desk.count(4, KEY) == first == 5
    assert await desk.total() == 6


async def test_without_a_key_every_request_counts(desk: Desk) -> None:
    await desk.count()
    await desk.count()
    assert await desk.total() == 3


async def test_ten_at_the_same_moment_are_executed_once(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.count(4, KEY) for _ in range(10)))
    assert set(answers) == {5}
    assert await desk.total() == 5


async def test_ten_different_ones_at_the_same_moment_are_all_executed(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.count() for _ in range(10)))
    assert sorted(answers) == list(range(2, 12))


async def test_those_that_come_during_one_transaction_share_the_next(postgres: PostgresStore) -> None:
    store = Gated(postgres)
    desk = await Desk(postgres, store=store).open()
    first = asyncio.create_task(desk.count())
    await eventually(lambda: store.waiting)
    others = [asyncio.create_task(desk.count(key=f"{KEY}-{number}")) for number in range(10)]
    await asyncio.sleep(0)
    store.gate.set()
    answers = await asyncio.gather(first, *others)
    assert sorted(answers) == list(range(2, 13))
    assert desk.publisher.woken == 2


async def test_those_that_come_soon_after_each_other_share_a_transaction(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chassis.commands.SPACING", 60)
    counting = [asyncio.create_task(desk.count()) for _ in range(2)]
    await asyncio.wait(counting)
    for _ in range(10):
        counting.append(asyncio.create_task(desk.count()))
        await turns()
    assert desk.publisher.woken == 1
    desk.commands._full.set()  # as if the time were over
    assert await asyncio.gather(*counting) == [*range(2, 14)]
    assert desk.publisher.woken == 2


async def test_a_single_command_does_not_wait_for_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.commands.SPACING", 60)
    async with asyncio.timeout(30):
        assert [await desk.count() for _ in range(3)] == [2, 3, 4]


async def test_a_transaction_that_is_full_does_not_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.commands.SPACING", 60)
    monkeypatch.setattr("chassis.commands.LARGEST_BATCH", 5)
    async with asyncio.timeout(30):
        await asyncio.gather(*(desk.count() for _ in range(10)))
        # The next transaction fills up gradually.
        fourth = [asyncio.create_task(desk.count()) for _ in range(4)]
        await turns()
        await asyncio.gather(desk.count(), *fourth)
    assert desk.publisher.woken == 3


async def test_after_a_commit_with_unknown_outcome_no_command_is_executed_twice(postgres: PostgresStore) -> None:
    desk = await Desk(postgres, store=LostAnswer(postgres)).open()
    answers = await asyncio.gather(*(desk.count() for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionResetError] * 3
    assert await desk.total() == 4


async def test_a_command_that_waits_for_a_lock_delays_no_other(postgres: PostgresStore) -> None:
    desk, other = await Desk(postgres).open(), await Desk(postgres).open()
    async with postgres.transaction() as transaction:
        await transaction.connection.execute("select from tallies where id = $1 for update", desk.tally_id)
        stuck = asyncio.create_task(desk.count())
        await eventually(lambda: desk.commands._executing)
        desk.tally_id, locked = other.tally_id, desk.tally_id
        assert await desk.count() == 2
        assert not stuck.done()
    assert await stuck == 2
    assert await desk.rig.total(locked) == 2


async def test_a_refused_command_does_not_affect_the_others_of_its_transaction(desk: Desk) -> None:
    answers = await asyncio.gather(
        *(desk.count(amount, f"{KEY}-{at}") for at, amount in enumerate((1, 1, -1, 1))), return_exceptions=True
    )
    assert sorted(answer for answer in answers if isinstance(answer, int)) == [2, 3, 4]
    assert isinstance(answers[2], Refused)
    assert await desk.total() == 4


async def test_a_repeated_request_among_new_ones_gets_the_first_answer(desk: Desk) -> None:
    first = await desk.count(4, KEY)
    answers = await asyncio.gather(desk.count(1), desk.count(4, KEY), desk.count(1), desk.count(4, KEY))
    assert [answers[1], answers[3]] == [first, first]
    assert await desk.total() == 7


async def test_a_caller_that_goes_away_does_not_affect_the_others(desk: Desk) -> None:
    asked = [asyncio.create_task(desk.count()) for _ in range(3)]
    await asyncio.sleep(0)
    asked[1].cancel()
    assert sorted(await asyncio.gather(asked[0], asked[2])) in ([2, 3], [2, 4], [3, 4])
    assert await desk.count() == await desk.total()


async def test_a_key_cannot_be_used_for_something_else(desk: Desk) -> None:
    await desk.count(4, KEY)
    with pytest.raises(KeyUsedTwice):
        await desk.count(5, KEY)
    assert await desk.total() == 5


async def test_what_is_refused_leaves_nothing_and_does_not_use_up_its_key(desk: Desk) -> None:
    with pytest.raises(Refused):
        await desk.count(-1, KEY)
    assert await desk.count(4, KEY) == 5


async def test_what_was_accepted_stays_accepted_also_when_it_would_be_refused_by_now(postgres: PostgresStore) -> None:
    closed = False

    def trouble(message: object) -> None:
        if isinstance(message, Count) and closed:
            raise Refused("amount", "Het tellen is voorbij.")

    desk = await Desk(postgres, trouble).open()
    assert await desk.count(4, KEY) == 5
    closed = True
    assert await desk.count(4, KEY) == 5
    with pytest.raises(KeyUsedTwice):
        await desk.count(5, KEY)
    with pytest.raises(Refused):
        await desk.count(4, KEY + "-2")
    assert await desk.total() == 5


async def test_a_command_about_something_that_does_not_exist_is_permanent(desk: Desk) -> None:
    with pytest.raises(PermanentError):
        await desk.commands.execute(Count(tally_id=uuid4(), amount=1), Total)


async def test_the_cause_of_its_events_follows_from_the_key(desk: Desk, postgres: PostgresStore) -> None:
    await desk.count(4, KEY)
    other = await Desk(postgres).open()
    await other.count(4, KEY + "-2")
    causes = [dict(record.headers)["ce_causationid"] for record in await desk.rig.outbox()]
    assert len(set(causes)) == 4


async def test_a_transient_error_is_tried_again_and_in_the_end_reported(postgres: PostgresStore) -> None:
    left = [2]

    def trouble(message: object) -> None:
        if isinstance(message, Count) and left[0]:
            left[0] -= 1
            raise TransientError("busy")

    desk = await Desk(postgres, trouble).open()
    assert await desk.count(4, KEY) == 5
    left[0] = 100
    with pytest.raises(TransientError):
        await desk.count(4)
    assert await desk.total() == 5


async def begin(desk: Desk, amount: int = 4, key: str | None = KEY, tally_id: UUID = NEW) -> int:
    """A command whose handler loads nothing."""
    return (await desk.commands.execute(Begin(tally_id=tally_id, amount=amount), Total, key)).total


async def test_a_command_that_loads_nothing_needs_no_transaction_and_is_published(postgres: PostgresStore) -> None:
    desk = Desk(postgres, store=WithoutTransactions(postgres))
    answers = await asyncio.gather(*(begin(desk, number, None, uuid4()) for number in range(1, 6)))
    assert answers == [1, 2, 3, 4, 5]
    assert len(await desk.rig.outbox()) == 5


async def test_a_repeated_command_that_loads_nothing_gets_the_same_answer_too(desk: Desk) -> None:
    assert await asyncio.gather(*(begin(desk) for _ in range(5))) == [4] * 5
    assert await begin(desk) == 4
    assert await desk.rig.total(NEW) == 4
    with pytest.raises(KeyUsedTwice):
        await begin(desk, 5)


async def test_of_commands_that_load_nothing_one_is_refused_alone(desk: Desk) -> None:
    answers = await asyncio.gather(begin(desk), begin(desk, -1, "the-key-of-another", uuid4()), return_exceptions=True)
    assert answers[0] == 4
    assert isinstance(answers[1], Refused)


async def test_what_is_new_is_published_after_its_commit_and_once(postgres: PostgresStore) -> None:
    desk = Desk(postgres)
    await begin(desk)
    await begin(desk)
    assert [record.aggregate_id for record in desk.publisher.published] == [NEW]


class CountingStore:
    """Counts transactions and single statements that keep something."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store
        self.transactions = self.inserts = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        self.transactions += 1
        async with self._store.transaction() as transaction:
            yield transaction

    async def insert(self, rows: NewRows) -> None:
        self.inserts += 1
        await self._store.insert(rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def test_a_repeated_key_costs_the_others_of_its_batch_nothing(postgres: PostgresStore) -> None:
    store = CountingStore(postgres)
    desk = Desk(postgres, store=store)
    await begin(desk)
    store.inserts = 0
    answers = await asyncio.gather(
        *(begin(desk, number, f"another-key-{number}", uuid4()) for number in range(20)), begin(desk), begin(desk)
    )
    assert answers == [*range(20), 4, 4]
    assert (store.inserts, store.transactions) == (1, 0), "what is known is answered from what was kept"


async def test_a_refused_command_costs_the_others_of_its_batch_nothing(postgres: PostgresStore) -> None:
    def trouble(message: object) -> None:
        if isinstance(message, Begin) and message.amount == 7:
            raise Refused("amount", "Niet zeven.")

    store = CountingStore(postgres)
    desk = Desk(postgres, trouble, store=store)
    ends = await asyncio.gather(
        *(begin(desk, number, None, uuid4()) for number in range(1, 20)), return_exceptions=True
    )
    assert [end for end in ends if isinstance(end, int)] == [number for number in range(1, 20) if number != 7]
    assert isinstance(ends[6], Refused)
    assert (store.inserts, store.transactions) == (1, 0)


async def test_the_same_key_twice_in_a_moment_is_executed_once_and_answered_twice(postgres: PostgresStore) -> None:
    desk = Desk(postgres)
    first = asyncio.create_task(begin(desk, 1, None, uuid4()))
    answers = await asyncio.gather(first, *(begin(desk) for _ in range(3)))
    assert answers == [1, 4, 4, 4]
    assert len(await desk.rig.outbox()) == 2


async def test_more_than_can_wait_is_refused_at_once(postgres: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chassis.commands.MOST_WAITING", 5)
    store = Gated(postgres)
    desk = await Desk(postgres, store=store).open()
    first = asyncio.create_task(desk.count())
    await eventually(lambda: store.waiting)
    waiting = [asyncio.create_task(desk.count()) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await desk.count()
    store.gate.set()
    assert sorted(await asyncio.gather(first, *waiting)) == [2, 3, 4, 5, 6, 7]
    assert await desk.count() == 8


async def test_a_command_whose_caller_left_before_it_began_is_dropped(postgres: PostgresStore) -> None:
    store = Gated(postgres)
    desk = await Desk(postgres, store=store).open()
    first = asyncio.create_task(desk.count())
    await eventually(lambda: store.waiting)

    async def left() -> bool:
        return True

    async def there() -> bool:
        return False

    async def count_for(caller: Any) -> int:
        CALLER_LEFT.set(caller)
        return await desk.count(10)

    gone, here = asyncio.create_task(count_for(left)), asyncio.create_task(count_for(there))
    await asyncio.sleep(0.01)
    store.gate.set()
    assert (await first, await here) == (2, 12)
    with pytest.raises(Overloaded):
        await gone
    assert await desk.total() == 12
