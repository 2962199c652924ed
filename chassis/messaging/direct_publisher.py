"""Facts of new aggregates go out as soon as they are committed: nobody has to read them back first.

Of a new key nothing older can wait in the outbox, so they overtake nothing. Their rows stay until the broker has them.
What does not get through, whatever the reason, is left to the rounds of the relay.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import UUID

import structlog

from chassis.crash_points import crash_point
from chassis.messaging.outbox import OutboxRecord, Unpublished
from chassis.messaging.producer import ACKNOWLEDGED_WITHIN, Producer, Ready, error_of

log = structlog.get_logger("express")

AT_ONCE = 4
"""Commits and sends under way. Who commits more than the broker takes so, is better off with the relay's batches."""
FORGET_AFTER = 0.1
"""Seconds from an arrival to the look of the relay that deletes the rows of all that have arrived. What has not been
deleted goes out again after a crash."""
HEAD_START = 6
"""Turns of the loop after a commit: so many until its facts are on the wire. Otherwise they would wait until all who
waited for the commit are done with what they do then."""

Board = Callable[[Sequence[OutboxRecord]], AbstractAsyncContextManager[None]]
"""Around the commit of facts of new aggregates: when that went well, they go."""


@asynccontextmanager
async def on_foot(_: Sequence[OutboxRecord]) -> AsyncIterator[None]:
    """Where there is no relay in the process: the one of another finds them."""
    yield


class Express:
    """Sends with the producer of the relay, for as long as that leads."""

    def __init__(self, wake: Callable[[], None], count: Callable[[Sequence[OutboxRecord]], None]) -> None:
        self._wake = wake
        self._count = count
        self._producer: Producer | None = None
        self._boards = 0
        self._boarded: set[UUID] = set()
        """Keys that are being committed or are under way: the relay leaves them alone."""
        self._sends: set[asyncio.Task[None]] = set()
        self._arrived: dict[tuple[UUID, int, str], OutboxRecord] = {}
        self._forgetting: asyncio.TimerHandle | None = None
        self.broken = False
        """A send failed: nothing may follow through the same producer."""

    @asynccontextmanager
    async def board(self, facts: Sequence[OutboxRecord]) -> AsyncIterator[None]:
        """Around the statement that commits these facts of new aggregates."""
        keys = {fact.aggregate_id for fact in facts}
        if not keys:
            yield
            return
        producer = self._producer
        if producer is None or not self._has_room(keys):
            yield
            self._wake()
            return
        self._boards += 1
        self._boarded |= keys
        packing = asyncio.create_task(producer.pack(facts))
        try:
            yield
        except BaseException:
            # Perhaps it was committed all the same: then the relay will find it.
            packing.cancel()
            self._leave(keys)
            raise
        send = asyncio.create_task(self._send(facts, producer, packing))
        self._sends.add(send)
        # Not in the task itself: one that is cancelled before it begins does nothing at all.
        send.add_done_callback(lambda _: self._ended(send, keys))
        for _ in range(HEAD_START):
            await asyncio.sleep(0)

    def _has_room(self, keys: set[UUID]) -> bool:
        return not self.broken and self._boards < AT_ONCE and self._boarded.isdisjoint(keys)

    def _ended(self, send: asyncio.Task[None], keys: set[UUID]) -> None:
        self._sends.discard(send)
        self._leave(keys)

    def _leave(self, keys: set[UUID]) -> None:
        self._boards -= 1
        self._boarded -= keys

    async def _send(self, facts: Sequence[OutboxRecord], producer: Producer, packing: asyncio.Task[Ready]) -> None:
        arrived: list[OutboxRecord] = []
        try:
            ready = await packing
            if self._producer is producer and not self.broken:
                arrived = await self._arriving(facts, ready)
        except Exception as error:
            log.warning("cannot send", error=type(error).__name__)
            self.broken = True
        self._arrived |= {fact.identity: fact for fact in arrived}
        self._count(arrived)
        if len(arrived) < len(facts):
            self._wake()
        elif self._forgetting is None:
            self._forgetting = asyncio.get_running_loop().call_later(FORGET_AFTER, self._forget)

    def _forget(self) -> None:
        self._forgetting = None
        self._wake()

    async def _arriving(self, facts: Sequence[OutboxRecord], ready: Ready) -> list[OutboxRecord]:
        """Those of the facts that the broker has."""
        answers = await ready()
        crash_point("relay after send")
        sent = {answer for answer in answers if answer}
        await asyncio.wait(sent, timeout=ACKNOWLEDGED_WITHIN)
        failed = {answer for answer in sent if error_of(answer)}
        self.broken |= bool(failed)
        return [fact for fact, answer in zip(facts, answers, strict=True) if answer and answer not in failed]

    # What follows is for the relay.

    def open(self, producer: Producer) -> None:
        """Take facts along, from now on."""
        self._producer = producer

    def close(self) -> None:
        """Take none: somebody else leads, or the producer is of no more use."""
        self._producer = None

    async def end(self, within: float) -> None:
        """Wait for what is under way."""
        if self._sends:
            await asyncio.wait(self._sends, timeout=within)

    async def give_up(self) -> None:
        """Wait for nothing: of what is under way nobody knows whether the broker will have it."""
        for send in self._sends:
            send.cancel()
        await asyncio.gather(*self._sends, return_exceptions=True)
        self.broken = False

    @property
    def arrived(self) -> list[OutboxRecord]:
        """What the broker has, and whose rows are still there."""
        return [*self._arrived.values()]

    def forgotten(self, records: Sequence[OutboxRecord]) -> None:
        """The rows of these are gone."""
        for record in records:
            del self._arrived[record.identity]

    def others(self, found: list[Unpublished]) -> list[Unpublished]:
        """What the relay may send: the rest goes out here, or has to wait for what does."""
        if not self._boarded and not self._arrived:
            return found
        return [one for one in found if not self._has(one.record)]

    def _has(self, record: OutboxRecord) -> bool:
        return record.aggregate_id in self._boarded or record.identity in self._arrived
