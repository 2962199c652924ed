"""Facts of aggregates that did not exist before go out as soon as they are committed, without being read back.

Nothing of their keys can be in the outbox before them, so they overtake nothing. Their rows stay until the broker has
them: what does not get through, whatever the reason, is left to the rounds of the relay.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from aiokafka.errors import KafkaError

from chassis.messaging.outbox import OutboxRecord, Unpublished
from chassis.messaging.producer import Producer

MOST = 4
WITHIN = 30.0
FORGOTTEN_WITHIN = 0.02

class Express:
    def __init__(self, published: Callable[[str, int], None], wake: Callable[[], None]) -> None:
        self.producer: Producer | None = None
        self.failed = False
        self.acknowledged: dict[tuple[UUID, int, str], OutboxRecord] = {}
        self._keys: set[UUID] = set()
        self._sends: set[asyncio.Task[None]] = set()
        self._wake = wake
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def boarding(self, facts: Sequence[OutboxRecord]) -> Iterator[None]:
        keys = {fact.aggregate_id for fact in facts}
        if not keys or not self.producer or self.failed or len(self._sends) >= MOST or not keys.isdisjoint(self._keys):
            yield
            self._wake()
            return
        self._keys |= keys
        try:
            yield
        except BaseException:
            self._keys -= keys
            raise
        send = asyncio.create_task(self._send(facts, keys))
        self._sends.add(send)
        send.add_done_callback(self._sends.discard)

    async def _send(self, facts, keys):
        try:
            if not self.producer:
                self._wake()
                return
            answers = await self.producer.send(facts)
            sent = {a for a in answers if a}
            await asyncio.wait(sent, timeout=WITHIN)
            for fact, answer in zip(facts, answers, strict=True):
                if answer and answer.done() and not answer.cancelled() and not answer.exception():
                    self.acknowledged[fact[:3]] = fact
                elif answer:
                    self.failed = True
        except KafkaError:
            self.failed = True
        finally:
            self._keys -= keys
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FORGOTTEN_WITHIN, self._go)

    def _go(self):
        self._timer = None
        self._wake()

    def departed(self, row: Unpublished) -> bool:
        return row.record.aggregate_id in self._keys or row.record[:3] in self.acknowledged

    async def arrived(self):
        if self._sends: await asyncio.wait(self._sends)
