"""What the processes do: the roles of a service, with the real parts of the chassis in them."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from uuid import UUID

from chassis.commands import Commands
from chassis.messaging.failures import PASSING
from chassis.messaging.pipeline import Paused, Pipeline
from chassis.messaging.redrive import Redrive
from chassis.messaging.relay import Relay
from tests.chassis.tally import Count, Total
from tests.simulation.group import Group
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import Process

IDLE = 0.5
"""Seconds between two looks at a topic that has nothing new."""


class RelayProcess(Process):
    """Publishes the outbox."""

    def __init__(self, loop: VirtualLoop, name: str, relay: Callable[[Process], Relay]) -> None:
        super().__init__(loop, name)
        self._relay = relay

    async def main(self) -> None:
        self._stop = asyncio.Event()
        await self._relay(self).run(self._stop)

    def stop(self) -> None:
        """Ask it to end well."""
        self._stop.set()


class Caller(Process):
    """Executes one HTTP command. Who gets an error does not know whether it counted."""

    def __init__(self, loop: VirtualLoop, name: str, commands: Callable[[Process], Commands]) -> None:
        super().__init__(loop, name)
        self._commands = commands
        self._tally = UUID(int=0)

    def call(self, tally: UUID) -> None:
        """Count one more."""
        self._tally = tally
        self.start()

    async def main(self) -> None:
        with suppress(ConnectionResetError, *PASSING):
            await self._commands(self).execute(Count(tally_id=self._tally, amount=1), Total)


class Consumer(Process):
    """Fetches, processes, commits; when that fails it waits and goes back."""

    def __init__(self, loop: VirtualLoop, name: str, group: Group, pipeline: Callable[[Process], Pipeline]) -> None:
        super().__init__(loop, name)
        self._group = group
        self._pipeline = pipeline

    async def main(self) -> None:
        pipeline = self._pipeline(self)
        self._group.go_back(self)
        while True:
            with suppress(ConnectionResetError):
                await self._once(pipeline)

    async def _once(self, pipeline: Pipeline) -> None:
        batch = await self.perform(lambda: self._group.fetch(self))
        try:
            if batch:
                await pipeline.process(batch)
                await self.perform(partial(self._group.commit, self, batch))
            else:
                await asyncio.sleep(IDLE)
        except Paused as pause:
            await asyncio.sleep(pause.after)
            self._group.go_back(self)


class Operator(Process):
    """A person who deals with the oldest dead letter: redrives what waits under its key, or discards it."""

    def __init__(self, loop: VirtualLoop, name: str, redrive: Callable[[Process], Redrive]) -> None:
        super().__init__(loop, name)
        self._redrive = redrive
        self._discards = False

    def act(self, *, discard: bool) -> None:
        """Begin."""
        self._discards = discard
        self.start()

    async def main(self) -> None:
        redrive = self._redrive(self)
        with suppress(ConnectionResetError, Paused):
            for letter in (await redrive.waiting())[:1]:
                if self._discards:
                    await redrive.discard(letter, "not needed")
                else:
                    await redrive.redrive(letter)
