"""The broker as the relay sees it: one log, and producers whose sends arrive in order per partition, or break.

What a producer sends stands in a queue per partition. The broker takes the oldest and keeps it; or keeps it and the
answer gets lost; or the partition breaks: every send that has no answer yet fails, kept or not, and so does every later
one by this producer. What a stopped or killed producer has sent may still arrive.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable
from dataclasses import dataclass
from uuid import UUID

from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError

from chassis.messaging.outbox import OutboxRecord
from tests.simulation.process import Fate, Process

PARTITIONS = 2


def partition_of(key: UUID) -> int:
    """Where a key lives."""
    return key.int % PARTITIONS


@dataclass(frozen=True, slots=True)
class Send:
    """One record on its way."""

    record: OutboxRecord
    answer: "asyncio.Future[object]"


class Broker:
    """Keeps records in the order in which they arrived."""

    def __init__(self) -> None:
        self.log: list[OutboxRecord] = []
        self.producers: list[SimulatedProducer] = []

    async def connect(self, process: Process) -> "SimulatedProducer":
        """A fresh producer.

        Raises:
            KafkaConnectionError: no broker answers.
        """

        def make() -> SimulatedProducer:
            self.producers.append(SimulatedProducer(self, process, len(self.producers)))
            return self.producers[-1]

        return await process.perform(make, KafkaConnectionError)

    @property
    def under_way(self) -> "list[tuple[SimulatedProducer, int]]":
        """Every queue that holds something."""
        return [(one, partition) for one in self.producers for partition in range(PARTITIONS) if one.queues[partition]]


class SimulatedProducer:
    """A producer: of no more use to a partition once a send there failed."""

    def __init__(self, broker: Broker, process: Process, number: int) -> None:
        self.queues: defaultdict[int, deque[Send]] = defaultdict(deque)
        self._broker = broker
        self._process = process
        self._number = number
        self._unanswered: defaultdict[int, list[Send]] = defaultdict(list)
        self._broken: set[int] = set()

    def __repr__(self) -> str:
        return f"producer {self._number} of {self._process}"

    async def send(self, record: OutboxRecord) -> Awaitable[object]:
        """Queue a record. That may be refused at once, which harms no other."""
        send = Send(record, asyncio.get_running_loop().create_future())
        await self._process.perform(lambda: self._queue(send), MessageSizeTooLargeError)
        return send.answer

    async def stop(self) -> None:
        """Close; it may take with it what is under way, or not."""
        await self._process.perform(lambda: None, KafkaError)

    def _queue(self, send: Send) -> None:
        partition = partition_of(send.record.aggregate_id)
        self._unanswered[partition].append(send)
        self.queues[partition].append(send)
        if partition in self._broken:
            self.arrive(partition, Fate.REFUSED)

    def arrive(self, partition: int, fate: Fate) -> None:
        """Decide about the oldest send of a partition."""
        if fate is Fate.REFUSED:
            self._broken.add(partition)
            self.queues[partition].clear()
            while self._unanswered[partition]:
                answer = self._unanswered[partition].pop().answer
                if not answer.done():
                    answer.set_exception(KafkaError("the partition broke"))
            return
        send = self.queues[partition].popleft()
        self._broker.log.append(send.record)
        if fate is Fate.DONE and not send.answer.done():
            send.answer.set_result(None)
