"""Fetching ahead loses nothing: records that were not committed are fetched again after any failure."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from chassis.messaging.fetch import Fetcher
from chassis.messaging.pipeline import Delivery
from chassis.record import Record
from tests.turns import turns

P = TopicPartition("t", 0)
UNREADABLE = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")


class Log:
    """One partition behind the interface of aiokafka's consumer, with a script of answers and errors."""

    def __init__(self, *script: Sequence[int] | Exception) -> None:
        self._script = list(script)
        self.committed_offset = 0
        self.at = 0
        self.timestamp = 0
        self.sought: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def getmany(self, *_: TopicPartition, **__: int) -> dict[TopicPartition, Any]:
        await self.gate.wait()
        step = self._script.pop(0) if self._script else ()
        if isinstance(step, Exception):
            raise step
        self.at = max([self.at, *(offset + 1 for offset in step)])
        records = [ConsumerRecord("t", 0, offset, self.timestamp, 0, None, b"", None, 0, 0, ()) for offset in step]
        return {P: records} if records else {}

    def assignment(self) -> set[TopicPartition]:
        return {P}

    async def position(self, _: TopicPartition) -> int:
        return self.at

    async def committed(self, _: TopicPartition) -> int:
        return self.committed_offset

    def seek(self, _: TopicPartition, offset: int) -> None:
        self.sought.append(offset)


def _receive(records: Sequence[Record]) -> list[Delivery]:
    return [Delivery(record) for record in records]


async def _committed() -> None: ...


def a_fetcher() -> Fetcher:
    return Fetcher(10, _receive, _committed)


async def taken(fetcher: Fetcher, log: Any) -> list[int]:
    return [delivery.record.offset for delivery in await fetcher.next(log)]


async def test_what_is_fetched_ahead_comes_next() -> None:
    ahead, log = a_fetcher(), Log([0, 1], [2])
    assert await taken(ahead, log) == [0, 1]
    ahead.fetch_ahead()
    ahead.fetch_ahead()
    assert await taken(ahead, log) == [2]


async def filled(fetcher: Fetcher) -> None:
    """Fetch ahead, and wait until the records are there."""
    fetcher.fetch_ahead()
    await turns()


async def test_what_came_after_what_was_fetched_ahead_goes_along() -> None:
    ahead, log = a_fetcher(), Log([0], [1, 2], [3, 4], [5])
    await taken(ahead, log)
    await filled(ahead)
    assert await taken(ahead, log) == [1, 2, 3, 4]
    assert await taken(ahead, log) == [5]


async def test_a_full_batch_takes_nothing_along() -> None:
    ahead, log = a_fetcher(), Log([0], range(1, 11), [11])
    await taken(ahead, log)
    await filled(ahead)
    assert await taken(ahead, log) == [*range(1, 11)]
    assert await taken(ahead, log) == [11]


async def test_what_goes_along_is_given_up_with_the_rest() -> None:
    ahead, log = a_fetcher(), Log([0], [1], [2])
    await taken(ahead, log)
    await filled(ahead)
    await taken(ahead, log)
    assert [record.offset for record in ahead.give_up()] == [1, 2]


async def test_a_failure_after_what_was_fetched_ahead_costs_nothing_of_it() -> None:
    ahead, log = a_fetcher(), Log([0], [1], KafkaError(), [2])
    await taken(ahead, log)
    await filled(ahead)
    assert await taken(ahead, log) == [1]
    assert await taken(ahead, log) == [2]


async def test_something_unreadable_after_what_was_fetched_ahead_costs_nothing_of_it() -> None:
    ahead, log = a_fetcher(), Log([0], [1], UNREADABLE, [1], UNREADABLE, [3])
    await taken(ahead, log)
    log.committed_offset = 1
    await filled(ahead)
    assert await taken(ahead, log) == [1, 2, 3]
    assert log.sought == [1, 3]


async def test_whatever_goes_wrong_after_what_was_fetched_ahead_costs_nothing_of_it() -> None:
    ahead, log = a_fetcher(), Log([0], [1], ValueError(), [1], [2])
    await taken(ahead, log)
    log.committed_offset = 1
    await filled(ahead)
    assert await taken(ahead, log) == [1, 2]
    assert log.sought == [1]


async def test_when_receiving_fails_everything_since_the_last_commit_is_fetched_again() -> None:
    troubles = [RuntimeError()]

    def receive(records: Sequence[Record]) -> list[Delivery]:
        if records and records[0].offset == 1 and troubles:
            raise troubles.pop()
        return _receive(records)

    ahead, log = Fetcher(10, receive, _committed), Log([0], [1], [1], [2])
    await taken(ahead, log)
    log.committed_offset = 1
    await filled(ahead)
    assert await taken(ahead, log) == [1, 2]
    assert log.sought == [1]


async def test_a_time_that_there_never_was_stops_nobody() -> None:
    ahead, log = a_fetcher(), Log([0])
    log.timestamp = 2**62
    assert await taken(ahead, log) == [0]


async def test_when_the_partitions_go_while_more_is_fetched_only_the_new_is_handed_out() -> None:
    ahead, log = a_fetcher(), Log([0], [5], [0])
    await taken(ahead, log)
    await filled(ahead)
    log.gate.clear()
    taking = asyncio.create_task(taken(ahead, log))
    await turns()
    assert [record.offset for record in ahead.give_up()] == [5]
    log.gate.set()
    assert await taking == [0]


async def test_what_is_in_hand_and_what_was_fetched_ahead_are_given_up_together() -> None:
    ahead, log = a_fetcher(), Log([0, 1], [2])
    await taken(ahead, log)
    await filled(ahead)
    assert [record.offset for record in ahead.give_up()] == [0, 1, 2]
    assert ahead.give_up() == []


async def test_what_was_fetched_when_the_partitions_went_is_not_handed_out() -> None:
    ahead, log = a_fetcher(), Log([5], [0])
    log.gate.clear()
    taking = asyncio.create_task(taken(ahead, log))
    await asyncio.sleep(0)
    log.gate.set()
    # The answer has arrived and is not used yet.
    await asyncio.sleep(0)
    assert [record.offset for record in ahead.give_up()] == [5]
    assert await taking == []
    assert await taken(ahead, log) == [0]


async def test_a_failure_is_not_given_up() -> None:
    ahead, log = a_fetcher(), Log([0], UNREADABLE, [1])
    await taken(ahead, log)
    await filled(ahead)
    assert [record.offset for record in ahead.give_up()] == [0]
    assert await taken(ahead, log) == [1]
    assert log.sought == [0]


async def test_a_way_around_that_fails_is_begun_again() -> None:
    ahead, log = a_fetcher(), Log(UNREADABLE, KafkaError(), [3], (), [9])
    with pytest.raises(KafkaError):
        await taken(ahead, log)
    assert await taken(ahead, log) == [3]
    assert log.sought == [0, 0]
    assert await taken(ahead, log) == [9]
