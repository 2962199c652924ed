"""The consumer group of a service on its input topic: the owner and the committed offset of each partition.

A consumer that loses a partition finishes its batch, while the new owner starts at the committed offset: both then
handle the same records. Offsets that the old owner commits afterwards are refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from chassis.record import Record
from tests.simulation.process import Process


@dataclass
class Partition:
    """The records of a partition, with the committed offset and the position of its owner."""

    records: list[Record] = field(default_factory=list)
    committed: int = 0
    position: int = 0
    owner: Process | None = None

    @property
    def done(self) -> bool:
        """Has the group committed everything?"""
        return self.committed == len(self.records)


class Group:
    """A topic and its group."""

    def __init__(self, partitions: int) -> None:
        self.partitions = [Partition() for _ in range(partitions)]
        self.batch = 1
        """The most records in one fetch."""
        self.generation = 0
        """Changes with every rebalance; offset commits of an earlier generation are refused."""

    def assign(self, number: int, owner: Process | None) -> None:
        """Give a partition to an owner, which continues from the committed offset."""
        partition = self.partitions[number]
        partition.owner = owner
        partition.position = partition.committed
        self.generation += 1

    def rewind(self, number: int, offset: int) -> None:
        """Deliver everything from this offset again."""
        partition = self.partitions[number]
        partition.committed = min(offset, partition.committed)
        self.assign(number, partition.owner)

    def fetch(self, consumer: Process) -> list[Record]:
        """The next records of the partitions that the consumer owns."""
        batch: list[Record] = []
        for partition in self.partitions:
            if partition.owner is consumer:
                batch += partition.records[partition.position :][: self.batch - len(batch)]
        return batch

    def move_on(self, consumer: Process, batch: Sequence[Record]) -> None:
        """The consumer fetched these records."""
        for record in batch:
            partition = self.partitions[record.partition]
            if partition.owner is consumer:
                partition.position = record.offset + 1

    def go_back(self, consumer: Process) -> None:
        """Deliver the uncommitted records of the consumer again."""
        for partition in self.partitions:
            if partition.owner is consumer:
                partition.position = partition.committed

    def commit(self, batch: Sequence[Record], generation: int) -> None:
        """Commit the offsets of a batch; refused after a rebalance."""
        if generation == self.generation:
            for record in batch:
                self.partitions[record.partition].committed = record.offset + 1
