"""The broker: one log, and producers whose batches arrive in order per partition, or fail.

What a producer sends to a partition is a `Way`: a queue of batches. The broker appends the oldest batch and answers; or
appends it and the answer is lost; or refuses it; or all batches of the way are lost without an answer. After each of
these but the first, everything that is sent later on this way fails; batches that were on it may still arrive, also
when their producer was stopped or killed. A batch is appended whole or not at all.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from aiokafka.errors import KafkaConnectionError, KafkaError, MessageSizeTooLargeError

from chassis.messaging.producer import Answer, Producer
from chassis.outbox_records import OutboxRecord
from tests.simulation.process import Fate, Process

PARTITIONS = 2
FITS = 2
"""Records in a batch; so few that there is nearly always a record that does not fit."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that were sent together."""

    records: Sequence[OutboxRecord]
    answer: Answer


class Broker:
    """The log of records, in the order in which they arrived."""

    def __init__(self) -> None:
        self.log: list[OutboxRecord] = []
        self.never_takes: UUID | None = None
        """A key whose records are always refused, for example because they are too large."""
        self.ways: list[Way] = []
        """Those with a batch under way."""
        self.producers = 0

    async def connect(self, process: Process, kind: "type[SimulatedProducer]") -> "SimulatedProducer":
        """Make a new producer.

        Raises:
            KafkaConnectionError: no broker answers.
        """
        return await process.perform(lambda: kind(self, process), KafkaConnectionError)


class Way:
    """The batches that one producer sends to one partition."""

    def __init__(self, broker: Broker, process: Process, name: str) -> None:
        self.name = name
        self._broker = broker
        self._loop = process.loop
        self._under_way: deque[Batch] = deque()
        self._broken = False

    def __repr__(self) -> str:
        return self.name

    @property
    def ready(self) -> bool:
        """Is a batch under way?"""
        return bool(self._under_way)

    def send(self, records: Sequence[OutboxRecord]) -> Answer:
        """Put a batch under way; the schedule decides what happens to it."""
        batch = Batch(records, self._loop.create_future())
        if self._broken:
            batch.answer.set_exception(KafkaError("the way is broken"))
        else:
            if not self.ready:
                self._broker.ways.append(self)
            self._under_way.append(batch)
        return batch.answer

    def go(self, fate: Fate = Fate.DONE) -> None:
        """Decide what happens to the oldest batch."""
        batch = self._under_way.popleft()
        if fate is Fate.NEVER:
            self._under_way.clear()
        elif fate is Fate.REFUSED or self._broker.never_takes in {record.aggregate_id for record in batch.records}:
            fate = Fate.REFUSED
            self._answer(batch, MessageSizeTooLargeError())
        else:
            self._broker.log += batch.records
            if fate is Fate.DONE:
                self._answer(batch, None)
        self._broken |= fate is not Fate.DONE
        if not self.ready:
            self._broker.ways.remove(self)
        self._loop.settle()

    def _answer(self, batch: Batch, error: KafkaError | None) -> None:
        if batch.answer.done():  # the sender was cancelled
            return
        if error:
            batch.answer.set_exception(error)
        else:
            batch.answer.set_result(None)


class SimulatedProducer(Producer):
    """A producer. After a batch to a partition failed, everything it sends there fails."""

    def __init__(self, broker: Broker, process: Process) -> None:
        name = f"{process}'s producer {broker.producers} to partition"
        broker.producers += 1
        self._ways = [Way(broker, process, f"{name} {partition}") for partition in range(PARTITIONS)]
        self._process = process

    async def send(self, records: Sequence[OutboxRecord]) -> list[Answer | None]:
        """Put a batch on each way."""
        return await self._process.perform(lambda: self._send(records), KafkaError)

    def _send(self, records: Sequence[OutboxRecord]) -> list[Answer | None]:
        answers: dict[tuple[UUID, int], Answer] = {}
        for partition, way in enumerate(self._ways):
            answers |= self._put(way, [one for one in records if one.aggregate_id.int % PARTITIONS == partition])
        return [answers.get(record[:2]) for record in records]

    def _put(self, way: Way, records: Sequence[OutboxRecord]) -> dict[tuple[UUID, int], Answer]:
        """Send the records that fit in one batch; returns the answers."""
        batch = records[:FITS]
        return dict.fromkeys([record[:2] for record in batch], way.send(batch)) if batch else {}

    async def stop(self) -> None:
        """Close it. Batches under way stay under way, also when this fails."""
        await self._process.perform(lambda: None, KafkaError)
