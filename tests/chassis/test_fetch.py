"""Fetching ahead loses nothing: what nobody decided is fetched again, whatever happened in between."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from chassis.messaging.fetch import Fetching
from chassis.messaging.pipeline import Delivery
from chassis.messaging.record import Record

P = TopicPartition("t", 0)


class Log:
    """One partition as aiokafka's consumer hands it out, with answers and troubles in a fixed order."""

    def __init__(self, *script: Sequence[int] | Exception) -> None:
        self._script = list(script)
        self.committed_offset = 0
        self.at = 0
        self.sought: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def getmany(self, *_: TopicPartition, **__: int) -> dict[TopicPartition, Any]:
        await self.gate.wait()
        step = self._script.pop(0) if self._script else ()
        if isinstance(step, Exception):
            raise step
        records = [ConsumerRecord("t", 0, offset, 0, 0, None, b"", None, 0, 0, ()) for offset in step]
        return {P: records} if records else {}

    def assignment(self) -> set[TopicPartition]:
        return {P}

    async def committed(self, _: TopicPartition) -> int:
        return self.committed_offset

    def seek(self, _: TopicPartition, offset: int) -> None:
        self.sought.append(offset)


def _receive(_: Sequence[Record]) -> list[Delivery]:
    return []


async def _committed() -> None: ...


def fetching() -> Fetching:
    return Fetching(10, _receive, _committed)


async def taken(fetching: Fetching, log: Any) -> list[int]:
    return [record.offset for record in (await fetching.next(log)).records]


async def test_what_is_fetched_ahead_comes_next() -> None:
    ahead, log = fetching(), Log([0, 1], [2])
    assert await taken(ahead, log) == [0, 1]
    ahead.look_ahead()
    ahead.look_ahead()
    assert await taken(ahead, log) == [2]


async def test_what_is_in_hand_and_what_was_fetched_ahead_are_given_up_together() -> None:
    ahead, log = fetching(), Log([0, 1], [2])
    await taken(ahead, log)
    ahead.look_ahead()
    await asyncio.sleep(0.01)
    assert [record.offset for record in ahead.give_up()] == [0, 1, 2]
    assert ahead.give_up() == []


async def test_what_was_fetched_when_the_partitions_went_is_not_handed_out() -> None:
    ahead, log = fetching(), Log([5], [0])
    log.gate.clear()
    taking = asyncio.create_task(taken(ahead, log))
    await asyncio.sleep(0)
    log.gate.set()
    # Its answer is there, and nobody has taken it yet.
    await asyncio.sleep(0)
    assert [record.offset for record in ahead.give_up()] == [5]
    assert await taking == []
    assert await taken(ahead, log) == [0]


async def test_a_failure_is_not_given_up() -> None:
    ahead, log = fetching(), Log([0], UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), [1])
    await taken(ahead, log)
    ahead.look_ahead()
    await asyncio.sleep(0.01)
    assert [record.offset for record in ahead.give_up()] == [0]
    assert await taken(ahead, log) == [1]
    assert log.sought == [0]


async def test_a_way_around_that_fails_is_begun_again() -> None:
    unreadable = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")
    ahead, log = fetching(), Log(unreadable, KafkaError(), [3], (), [9])
    with pytest.raises(KafkaError):
        await taken(ahead, log)
    assert await taken(ahead, log) == [3]
    assert log.sought == [0, 0]
    assert await taken(ahead, log) == [9]
