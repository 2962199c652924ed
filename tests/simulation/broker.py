"""The broker as the relay sees it: one log, and producers whose sends arrive in order per partition, or break.

What a producer sends goes its way to a partition. The broker takes the oldest and answers; or takes it and the answer
gets lost; or the way breaks: every send on it that has no answer yet fails, taken or not, and every later one by
this producer; or they all get lost, and nobody is told. What a stopped or killed producer has sent may still arrive.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass

from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError

from chassis.messaging.outbox import OutboxRecord
from tests.simulation.process import Fate, Process

PARTITIONS = 2


@dataclass(frozen=True, slots=True)
class Send:
    """One record on its way."""

    record: OutboxRecord
    answer: "asyncio.Future[object]"


class Broker:
    """Keeps records in the order in which they arrived."""

    def __init__(self) -> None:
        self.log: list[OutboxRecord] = []
        self.ways: list[Way] = []

    async def connect(self, process: Process) -> "SimulatedProducer":
        """A fresh producer.

        Raises:
            KafkaConnectionError: no broker answers.
        """
        return await process.perform(lambda: SimulatedProducer(self, process), KafkaConnectionError)


class Way:
    """What one producer sends to one partition."""

    def __init__(self, broker: Broker, process: Process, name: str) -> None:
        self.name = name
        self._broker = broker
        self._loop = process.loop
        self._sent: deque[Send] = deque()
        self._unanswered: list[Send] = []
        self._broken = False

    def __repr__(self) -> str:
        return self.name

    @property
    def ready(self) -> bool:
        """Is something under way?"""
        return bool(self._sent)

    def send(self, send: Send) -> None:
        """From here on it is out of the producer's hands."""
        self._sent.append(send)
        self._unanswered.append(send)
        if self._broken:
            self._break()

    def go(self, fate: Fate = Fate.DONE) -> None:
        """Decide about the oldest that is under way."""
        if fate is Fate.REFUSED:
            self._break()
        elif fate is Fate.NEVER:
            self._broken = True
            self._sent.clear()
        else:
            self._take(answers=fate is Fate.DONE)
        self._loop.settle()

    def _take(self, *, answers: bool) -> None:
        send = self._sent.popleft()
        self._broker.log.append(send.record)
        if answers and not send.answer.done():
            send.answer.set_result(None)

    def _break(self) -> None:
        self._broken = True
        self._sent.clear()
        while self._unanswered:
            answer = self._unanswered.pop().answer
            if not answer.done():
                answer.set_exception(KafkaError("the way is broken"))


class SimulatedProducer:
    """A producer: of no more use to a partition once a send there failed."""

    def __init__(self, broker: Broker, process: Process) -> None:
        name = f"{process}'s producer {len(broker.ways) // PARTITIONS} to partition"
        self._ways = [Way(broker, process, f"{name} {partition}") for partition in range(PARTITIONS)]
        self._process = process
        broker.ways += self._ways

    async def send(self, record: OutboxRecord) -> Awaitable[object]:
        """Queue a record. That may be refused at once, which harms no other."""
        send = Send(record, self._process.loop.create_future())
        way = self._ways[record.aggregate_id.int % PARTITIONS]
        await self._process.perform(lambda: way.send(send), MessageSizeTooLargeError)
        return send.answer

    async def stop(self) -> None:
        """Close. What is under way stays so, also when this fails."""
        await self._process.perform(lambda: None, KafkaError)
