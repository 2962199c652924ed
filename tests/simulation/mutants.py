"""Possible mistakes, each in one part of the system. The simulation has to find every one of them."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.execution import Executor, Message
from chassis.failures import HandlersFailed
from chassis.messaging.direct_publisher import DirectPublisher
from chassis.messaging.pipeline import Delivery, Pipeline
from chassis.messaging.producer import Answer, Ready
from chassis.messaging.relay import HOLD, Relay
from chassis.outbox_records import OutboxRecord
from chassis.persistence.dead_letters import DeadLetter, OrderingKey
from chassis.persistence.inbox import EventKey
from chassis.persistence.outbox import Hold, Outbox, Unpublished
from chassis.record import Outcome
from chassis.unit_of_work import UnitOfWork
from tests.simulation.broker import FITS, SimulatedProducer, Way
from tests.simulation.database import ROWS, Transaction
from tests.simulation.leadership import Lead, LeadersOutbox, Session


class ReadsBehindACursor(LeadersOutbox):
    """The relay reads after a cursor, so a row that commits late with an earlier position is never published."""

    cursor = 0

    async def unpublished(
        self, limit: int, now: datetime, acknowledged: Sequence[OutboxRecord] = ()
    ) -> list[Unpublished]:
        return [row for row in await super().unpublished(limit, now, acknowledged) if row.position > self.cursor]

    async def published(self, positions: Sequence[int]) -> None:
        await super().published(positions)
        self.cursor = max(positions)


class ForgetsBeforeTheAnswer(LeadersOutbox):
    """A row is deleted when it was read, not when the broker acknowledged it."""

    async def unpublished(
        self, limit: int, now: datetime, acknowledged: Sequence[OutboxRecord] = ()
    ) -> list[Unpublished]:
        batch = await super().unpublished(limit, now, acknowledged)
        await self.published([one.position for one in batch])
        return batch


class HoldsNothing(LeadersOutbox):
    """A record that failed is not held: it is sent again at once, together with the other records."""

    async def hold(self, holds: Sequence[Hold]) -> None:
        """Hold nothing."""


class HoldsOneRecord(LeadersOutbox):
    """Only the record that failed is held; later records of its key are sent."""

    async def unpublished(
        self, limit: int, now: datetime, acknowledged: Sequence[OutboxRecord] = ()
    ) -> list[Unpublished]:
        await super().unpublished(limit, now, acknowledged)
        held = {position for position, until in self._database.held.items() if until > now}
        rows = sorted(self._database.outbox.items())
        return [Unpublished(*row) for row in rows if row[0] not in held][:ROWS]


class HoldsAllEquallyLong(Relay):
    """Keys that failed together are held equally long, so that they fail together again."""

    def _hold(self, one: Unpublished, error: BaseException) -> Hold:
        return Hold(one.position, self._now() + timedelta(seconds=HOLD), type(error).__name__)


class KeepsItsProducer(Relay):
    """A producer that failed on a partition is kept."""

    async def _drop_producer(self) -> None:
        """Keep it."""


class PublishesDirectlyBeforeTheCommit(Relay):
    """Events are published directly before it is known whether they are committed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.publisher = self._Publisher(self.wake, self._count)

    class _Publisher(DirectPublisher):
        @asynccontextmanager
        async def publish_after(self, records: Sequence[OutboxRecord]) -> AsyncIterator[None]:
            async with super().publish_after(records):
                pass
            yield


class DeletesWhatIsUnderWay(Relay):
    """The row of an event is deleted when it was sent, not when the broker acknowledged it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.publisher = self._Publisher(self.wake, self._count)

    class _Publisher(DirectPublisher):
        async def _acknowledged_of(self, records: Sequence[OutboxRecord], ready: Ready) -> list[OutboxRecord]:
            await super()._acknowledged_of(records, ready)
            return [*records]


class DoesNotWaitForTheAnswer(SimulatedProducer):
    """A second batch is sent while the first is not acknowledged."""

    def _put(self, way: Way, records: Sequence[OutboxRecord]) -> dict[tuple[UUID, int], Answer]:
        return super()._put(way, records) | super()._put(way, records[FITS:])


class LeadsOnAnotherConnection(Lead):
    """One session holds the lock, and another does the work."""

    async def _outbox_on(self, session: Session) -> Outbox:  # noqa: ARG002
        return await super()._outbox_on(await self._connect())


class HasNoInbox(Transaction):
    """Duplicates are handled again."""

    async def admit(self, keys: Sequence[EventKey]) -> set[EventKey]:
        await super().admit(keys)
        return set(keys)


class TakesWhatIsSetAsideForHandled(Transaction):
    """A record that is set aside stays in the inbox."""

    async def forget(self, keys: Sequence[EventKey]) -> None:
        """Keep it."""


class PublishesBeforeTheCommit(Transaction):
    """Outbox records are visible before the commit, also when the transaction rolls back."""

    async def append(self, records: Sequence[OutboxRecord]) -> None:
        await super().append(records)
        self.writes.pop()()


class KeepsTheSequenceOfARollback(Transaction):
    """Handlers change the stored aggregates themselves, so a rollback does not restore their version."""

    def read(self, aggregate: Any) -> Any:
        return aggregate


class ForgetsWhatIsParked(Transaction):
    """Records of a key do not wait for its dead letter."""

    async def parked(self, keys: Collection[OrderingKey]) -> set[OrderingKey]:
        await super().parked(keys)
        return set()


class RedrivesInAnyOrder(Transaction):
    """The dead letters of a key may be redriven in any order."""

    async def take(self, letter: DeadLetter) -> bool:
        await super().take(letter)
        return letter.id in self.database.letters


class ExecutesWhatIsParked(Executor):
    """What stands behind a dead letter of its key is executed all the same."""

    async def _dedupe(self, transaction: Any, messages: Sequence[Message]) -> list[Message]:
        todo = await super()._dedupe(transaction, messages)
        return [message for message in messages if message in todo or message.outcome is Outcome.PARKED]


class ExecutesWhatIsKnown(Executor):
    """The inbox is asked, and not listened to."""

    async def _dedupe(self, transaction: Any, messages: Sequence[Message]) -> list[Message]:
        todo = await super()._dedupe(transaction, messages)
        return [message for message in messages if message in todo or message.outcome is Outcome.DUPLICATE]


class KeepsWhatOthersDid(Executor):
    """When the handler of one message fails, the others of its transaction are kept, and so is it."""

    @staticmethod
    def _handle(messages: Sequence[Message], unit_of_work: UnitOfWork) -> None:
        with suppress(HandlersFailed):
            Executor._handle(messages, unit_of_work)
        for message in messages:
            message.outcome = Outcome.HANDLED


class OvertakesWhatIsApart(Pipeline):
    """Records behind one that has to be treated apart go on without it, whatever their key is."""

    @staticmethod
    def _independent_of(apart: Collection[Delivery], deliveries: Sequence[Delivery]) -> list[Delivery]:
        return [one for one in deliveries if one.outcome is None and one not in apart]


class DecidesInAnyOrder(Pipeline):
    """What is left of a batch is treated one by one, the last first."""

    async def _execute_one_by_one(self, deliveries: Sequence[Delivery]) -> None:
        await super()._execute_one_by_one(deliveries[::-1])
