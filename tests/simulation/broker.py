"""The broker as the relay sees it: one log, and producers whose batches arrive in order per partition, or break.

What a producer sends goes its way to a partition, a batch at a time. The broker takes the oldest and answers; or takes
it and the answer gets lost; or refuses it; or everything on the way gets lost, and nobody is told. After each of these
but the first, whatever else is sent on this way fails; what was on it already may still arrive, also when its producer
was stopped or killed. A batch is taken whole or not at all.
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
"""So few records fit in a batch, that there is nearly always one that does not."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records on their way."""

    records: Sequence[OutboxRecord]
    answer: Answer


class Broker:
    """Keeps records in the order in which they arrived."""

    def __init__(self) -> None:
        self.log: list[OutboxRecord] = []
        self.never_takes: UUID | None = None
        """A key whose records are too large, or what else may be wrong with them."""
        self.ways: list[Way] = []
        """Those on which something is."""
        self.producers = 0

    async def connect(self, process: Process, kind: "type[SimulatedProducer]") -> "SimulatedProducer":
        """A fresh producer.

        Raises:
            KafkaConnectionError: no broker answers.
        """
        return await process.perform(lambda: kind(self, process), KafkaConnectionError)


class Way:
    """What one producer sends to one partition."""

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
        """Is something under way?"""
        return bool(self._under_way)

    def send(self, records: Sequence[OutboxRecord]) -> Answer:
        """From here on they are out of the producer's hands."""
        batch = Batch(records, self._loop.create_future())
        if self._broken:
            batch.answer.set_exception(KafkaError("the way is broken"))
        else:
            if not self.ready:
                self._broker.ways.append(self)
            self._under_way.append(batch)
        return batch.answer

    def go(self, fate: Fate = Fate.DONE) -> None:
        """Decide about the oldest that is under way."""
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
        if batch.answer.done():  # nobody waits for it any more
            return
        if error:
            batch.answer.set_exception(error)
        else:
            batch.answer.set_result(None)


class SimulatedProducer(Producer):
    """A producer: of no more use to a partition once a batch there failed."""

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
        """Send what fits in one batch; the answers."""
        batch = records[:FITS]
        return dict.fromkeys([record[:2] for record in batch], way.send(batch)) if batch else {}

    async def stop(self) -> None:
        """Close. What is under way stays so, also when this fails."""
        await self._process.perform(lambda: None, KafkaError)
