"""Mistakes that somebody could make, each in one part of the system. The simulation has to find every one of them."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from chassis.messaging.dead_letters import DeadLetter, Key
from chassis.messaging.inbox import EventKey
from chassis.messaging.outbox import OutboxRecord, Unpublished
from chassis.messaging.relay import Relay
from tests.simulation.database import Transaction


class ReadsBehindACursor(Transaction):
    """The relay remembers how far it came: what commits late with an earlier position is never seen."""

    async def unpublished(self, limit: int, but_not: Collection[UUID] = ()) -> list[Unpublished]:
        rows = await super().unpublished(limit, but_not)
        return [row for row in rows if row.position > max(self.database.published, default=0)]


class ForgetsBeforeTheAnswer(Relay):
    """The outbox row goes when the record is sent, not when the broker has it."""

    async def _send(self, batch: list[Unpublished]) -> list[Unpublished]:
        async with self._store.transaction() as transaction:
            await transaction.outbox.published([one.position for one in batch])
        return await super()._send(batch)


class HoldsNothing(Relay):
    """A record that the producer refused is tried again later, and those behind it are sent at once."""

    def _hold(self, one: Unpublished, error: BaseException | None, failed: set[UUID]) -> None:
        """Forget about it."""


class KeepsItsProducer(Relay):
    """A producer of which a partition is broken is used for ever."""

    async def _drop_producer(self) -> None:
        """Keep it."""


class HasNoInbox(Transaction):
    """Every delivery counts."""

    async def admit(self, keys: Sequence[EventKey]) -> set[EventKey]:
        await super().admit(keys)
        return set(keys)


class PublishesBeforeTheCommit(Transaction):
    """What is promised is seen at once, whatever becomes of the transaction."""

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        await super().append(records)
        self.writes.pop()()


class KeepsTheSequenceOfARollback(Transaction):
    """Aggregates are changed where they are kept: a rollback does not take back their version."""

    def read(self, aggregate: Any) -> Any:
        return aggregate


class ForgetsWhatIsParked(Transaction):
    """Later records of a key do not wait for its dead letter."""

    async def parked(self, keys: Collection[Key]) -> set[Key]:
        await super().parked(keys)
        return set()


class RedrivesInAnyOrder(Transaction):
    """Any letter of a key may go first."""

    async def take(self, letter: DeadLetter) -> bool:
        await super().take(letter)
        return letter.id in self.database.letters
