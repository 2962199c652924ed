"""Publishes events of new aggregates straight after their commit, without reading them back from the outbox.

The key of a new aggregate has nothing older in the outbox, so these events overtake nothing. Their outbox rows stay
until every replica has them: whatever does not get through, for whatever reason, is published by the relay's rounds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import structlog

from chassis.crash_points import crash_point
from chassis.messaging.producer import ACKNOWLEDGED_WITHIN, Producer, Ready, error_of
from chassis.outbox_records import OutboxRecord
from chassis.persistence.outbox import Unpublished

log = structlog.get_logger("direct_publisher")

MOST_AT_A_TIME = 4
"""Commits and sends under way. When there are more, the batches of the relay are the faster way."""
DELETE_AFTER = 0.1
"""Seconds from an acknowledgement to the round of the relay that deletes the rows of all acknowledged records. What is
not deleted yet is published again after a crash."""
TURNS_TO_SEND = 6
"""Turns of the event loop that a batch needs from the commit to the socket. Whoever committed waits for so many, or
everybody who waited for the commit would run first."""


class DirectPublisher:
    """Sends with the producer of the relay, while that relay is the leader."""

    def __init__(self, wake: Callable[[], None], count: Callable[[Sequence[OutboxRecord]], None]) -> None:
        self.wake = wake
        """Makes the relay look into the outbox."""
        self._count = count
        self._producer: Producer | None = None
        self._under_way = 0
        self._keys_under_way: set[UUID] = set()
        """Keys that are being committed or sent: the relay leaves them alone."""
        self._sends: set[asyncio.Task[None]] = set()
        self._acknowledged: dict[tuple[UUID, int, str], OutboxRecord] = {}
        self._deletion: asyncio.TimerHandle | None = None
        self.broken = False
        """A send failed: nothing may follow through the same producer."""

    @asynccontextmanager
    async def publish_after(self, records: Sequence[OutboxRecord]) -> AsyncIterator[None]:
        """Around the statement that commits these records of new aggregates."""
        keys = {record.aggregate_id for record in records}
        if not keys:
            yield
            return
        producer = self._producer
        if producer is None or not self._has_room(keys):
            yield
            self.wake()
            return
        self._under_way += 1
        self._keys_under_way |= keys
        packing = asyncio.create_task(producer.pack(records))
        try:
            yield
        except BaseException:
            # It may have been committed all the same: then the relay finds it.
            packing.cancel()
            self._release(keys)
            raise
        send = asyncio.create_task(self._send(records, producer, packing))
        self._sends.add(send)
        # A callback, because a task that is cancelled before its first turn runs none of its own code.
        send.add_done_callback(lambda _: self._ended(send, keys))
        for _ in range(TURNS_TO_SEND):
            await asyncio.sleep(0)

    def _has_room(self, keys: set[UUID]) -> bool:
        return not self.broken and self._under_way < MOST_AT_A_TIME and self._keys_under_way.isdisjoint(keys)

    def _ended(self, send: asyncio.Task[None], keys: set[UUID]) -> None:
        self._sends.discard(send)
        self._release(keys)

    def _release(self, keys: set[UUID]) -> None:
        self._under_way -= 1
        self._keys_under_way -= keys

    async def _send(self, records: Sequence[OutboxRecord], producer: Producer, packing: asyncio.Task[Ready]) -> None:
        acknowledged: list[OutboxRecord] = []
        try:
            ready = await packing
            if self._producer is producer and not self.broken:
                acknowledged = await self._acknowledged_of(records, ready)
        except Exception as error:
            log.warning("cannot send", error=type(error).__name__)
            self.broken = True
        self._acknowledged |= {record.identity: record for record in acknowledged}
        self._count(acknowledged)
        if len(acknowledged) < len(records):
            self.wake()
        elif self._deletion is None:
            self._deletion = asyncio.get_running_loop().call_later(DELETE_AFTER, self._delete)

    def _delete(self) -> None:
        self._deletion = None
        self.wake()

    async def _acknowledged_of(self, records: Sequence[OutboxRecord], ready: Ready) -> list[OutboxRecord]:
        """Send; returns those that the broker has."""
        answers = await ready()
        crash_point("relay after send")
        sent = {answer for answer in answers if answer}
        await asyncio.wait(sent, timeout=ACKNOWLEDGED_WITHIN)
        failed = {answer for answer in sent if error_of(answer)}
        self.broken |= bool(failed)
        return [record for record, answer in zip(records, answers, strict=True) if answer and answer not in failed]

    # The relay calls what follows.

    def open(self, producer: Producer) -> None:
        """Publish with this producer from now on."""
        self._producer = producer

    def close(self) -> None:
        """Publish nothing more: another process leads, or the producer cannot be used any more."""
        self._producer = None

    async def drain(self, within: float) -> None:
        """Wait for what is under way."""
        if self._sends:
            await asyncio.wait(self._sends, timeout=within)

    async def cancel(self) -> None:
        """Stop what is under way: whether the broker will have it is unknown."""
        for send in self._sends:
            send.cancel()
        await asyncio.gather(*self._sends, return_exceptions=True)
        self.broken = False

    @property
    def acknowledged(self) -> list[OutboxRecord]:
        """What the broker has, and whose rows are still there."""
        return [*self._acknowledged.values()]

    def deleted(self, records: Sequence[OutboxRecord]) -> None:
        """The rows of these are gone."""
        for record in records:
            del self._acknowledged[record.identity]

    def left_to_the_relay(self, found: list[Unpublished]) -> list[Unpublished]:
        """What the relay may publish: not what is under way here, nor what has to wait for it."""
        if not self._keys_under_way and not self._acknowledged:
            return found
        return [one for one in found if not self._is_ours(one.record)]

    def _is_ours(self, record: OutboxRecord) -> bool:
        return record.aggregate_id in self._keys_under_way or record.identity in self._acknowledged
