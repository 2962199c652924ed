"""The consumer group of a service on its input topic: who owns which partition, and how far it has come.

A consumer that loses a partition finishes the batch that it has in hand, while the new owner starts where the group has
committed: the same records are then in two hands. What the old one commits afterwards is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from chassis.record import Record
from tests.simulation.process import Process


@dataclass
class Partition:
    """The records of a partition, and where its readers are."""

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
        """At most so many records are fetched at once."""
        self.generation = 0
        """Changes with every rebalance: offsets of an earlier one are refused."""

    def assign(self, number: int, owner: Process | None) -> None:
        """Somebody goes on with a partition, from the commit."""
        partition = self.partitions[number]
        partition.owner = owner
        partition.position = partition.committed
        self.generation += 1

    def rewind(self, number: int, offset: int) -> None:
        """Deliver everything from here again."""
        partition = self.partitions[number]
        partition.committed = min(offset, partition.committed)
        self.assign(number, partition.owner)

    def fetch(self, consumer: Process) -> list[Record]:
        """The next records of the partitions that it owns."""
        batch: list[Record] = []
        for partition in self.partitions:
            if partition.owner is consumer:
                batch += partition.records[partition.position :][: self.batch - len(batch)]
        return batch

    def move_on(self, consumer: Process, batch: Sequence[Record]) -> None:
        """The consumer has these in hand."""
        for record in batch:
            partition = self.partitions[record.partition]
            if partition.owner is consumer:
                partition.position = record.offset + 1

    def go_back(self, consumer: Process) -> None:
        """Deliver again what it did not commit."""
        for partition in self.partitions:
            if partition.owner is consumer:
                partition.position = partition.committed

    def commit(self, batch: Sequence[Record], generation: int) -> None:
        """The group has come this far; refused after a rebalance."""
        if generation == self.generation:
            for record in batch:
                self.partitions[record.partition].committed = record.offset + 1
