"""The roles of a service as simulated processes, made from the real parts of the chassis."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from uuid import UUID

from asyncpg import PostgresError

from chassis.commands import Commands
from chassis.execution import OutboxPublisher
from chassis.handling import TransientError
from chassis.messaging.pipeline import Paused, Pipeline
from chassis.messaging.redrive import Redrive
from chassis.messaging.relay import Relay
from chassis.persistence.dead_letters import DeadLetter
from tests.chassis.tally import Begin, Count, Total
from tests.simulation.group import Group
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import Process

IDLE = 0.5
"""Seconds between two fetches of a topic without new records."""


class RelayProcess(Process):
    """Publishes the outbox, and executes commands that create aggregates."""

    def __init__(
        self,
        loop: VirtualLoop,
        name: str,
        relay: Callable[[Process], Relay],
        commands: Callable[[Process, OutboxPublisher], Commands],
    ) -> None:
        super().__init__(loop, name)
        self._relay = relay
        self._commands = commands
        self._beginning: set[asyncio.Task[None]] = set()

    async def main(self) -> None:
        self._stop = asyncio.Event()
        relay = self._relay(self)
        self._here = self._commands(self, relay.publisher)
        await relay.run(self._stop)

    def begin_tally(self, tally: UUID) -> None:
        """Execute two commands in the process of the relay: the second may commit while the first is published."""
        self._beginning.add(self.loop.begin(self, self._begin(tally)))
        self.loop.settle()

    @property
    def busy(self) -> bool:
        """Is a command being executed?"""
        return any(not task.done() for task in self._beginning)

    async def _begin(self, tally: UUID) -> None:
        with suppress(ConnectionResetError, PostgresError, TransientError):
            await self._here.execute(Begin(tally_id=tally, amount=1), Total)
            await self._here.execute(Count(tally_id=tally, amount=1), Total)

    def stop(self) -> None:
        """Ask it to stop gracefully."""
        self._stop.set()


class Caller(Process):
    """Executes HTTP commands, one after the other. After an error, whose outcome is unknown, it stops."""

    def __init__(self, loop: VirtualLoop, name: str, commands: Callable[[Process], Commands]) -> None:
        super().__init__(loop, name)
        self._commands = commands
        self._tally = UUID(int=0)
        self._times = 0

    def call(self, tally: UUID, times: int) -> None:
        """Execute the same command so many times."""
        self._tally, self._times = tally, times
        self.start()

    async def main(self) -> None:
        commands = self._commands(self)
        with suppress(ConnectionResetError, PostgresError, TransientError):
            for _ in range(self._times):
                await commands.execute(Count(tally_id=self._tally, amount=1), Total)


class Consumer(Process):
    """Fetches, processes and commits; after a failure it waits and starts again at the committed offset."""

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
        batch, generation = await self.perform(lambda: (self._group.fetch(self), self._group.generation))
        self._group.move_on(self, batch)
        try:
            if batch:
                await pipeline.process(pipeline.receive(batch))
                await self.perform(partial(self._group.commit, batch, generation))
            else:
                await asyncio.sleep(IDLE)
        except Paused as pause:
            await asyncio.sleep(pause.after)
            self._group.go_back(self)


class FromAnOldList(Redrive):
    """A redrive from an old list: meanwhile the letter may have been closed, or others may have been added."""

    _listed: Sequence[DeadLetter] = ()

    def begin_with(self, letter: DeadLetter) -> None:
        """Use this letter as the old list."""
        self._listed = [letter]

    async def sequence(self, letter: DeadLetter) -> list[DeadLetter]:
        listed, self._listed = [*self._listed], ()
        return listed or await super().sequence(letter)


class Operator(Process):
    """Redrives the dead letters of a key, or discards one."""

    def __init__(self, loop: VirtualLoop, name: str, redrive: Callable[[Process], FromAnOldList]) -> None:
        super().__init__(loop, name)
        self._redrive = redrive
        self._letter: DeadLetter
        self._discards = False

    def act(self, letter: DeadLetter, *, discard: bool) -> None:
        """Start with this letter."""
        self._letter, self._discards = letter, discard
        self.start()

    async def main(self) -> None:
        redrive = self._redrive(self)
        with suppress(ConnectionResetError, Paused):
            if self._discards:
                await redrive.discard(self._letter, "not needed")
            else:
                redrive.begin_with(self._letter)
                await redrive.redrive(self._letter)
