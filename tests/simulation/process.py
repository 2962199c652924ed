"""A simulated process: it waits before every outside call until the schedule decides the outcome of the call."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeVar

from tests.simulation.loop import VirtualLoop

T = TypeVar("T")


class Fate(StrEnum):
    """The outcome of a call."""

    DONE = "done"
    REFUSED = "refused"
    """it has no effect, and the caller gets an error"""
    UNKNOWN = "unknown"
    """it has its effect, but the caller gets an error"""
    NEVER = "never"
    """it has no effect, and the caller is killed"""


class Actor(Protocol):
    """Something that the schedule continues."""

    @property
    def ready(self) -> bool: ...

    def go(self, fate: Fate = Fate.DONE) -> None: ...


class Process(ABC):
    """One process. Between two calls it runs without interruption; during a call other processes may run."""

    def __init__(self, loop: VirtualLoop, name: str) -> None:
        self.loop = loop
        self.name = name
        self._task: asyncio.Task[None] | None = None
        self._calls: list[asyncio.Future[Fate]] = []
        self._gone = 0

    def __repr__(self) -> str:
        return self.name

    @abstractmethod
    async def main(self) -> None:
        """The code of the process."""

    @property
    def life(self) -> "asyncio.Task[None]":
        """The main task, which identifies one run of the process: each start makes a new one."""
        assert self._task
        return self._task

    @property
    def runs(self) -> bool:
        """Is it running: started, and not ended or killed?"""
        return self._task is not None and not self._task.done()

    @property
    def ready(self) -> bool:
        """Can it continue: is it at a call, or not running? Otherwise it waits for a time, an answer or a lock."""
        return not self.runs or bool(self._calls)

    def start(self) -> None:
        """Start it, after cancelling what is left of a former run."""
        self.loop.end(self)
        self.loop.settle()
        self._calls = []
        self._task = self.loop.begin(self, self.main())
        self.loop.settle()

    def go(self, fate: Fate = Fate.DONE) -> None:
        """Decide one call and run until the next; start it when it does not run. Several calls take turns."""
        if not self.runs:
            self.look_for_trouble()
            self.start()
        elif fate is Fate.NEVER:
            self.kill()
        else:
            self._gone += 1
            self._calls.pop(self._gone % len(self._calls)).set_result(fate)
            self.loop.settle()

    def kill(self) -> None:
        """End it at once, with all its tasks."""
        self._task = None
        self.loop.end(self)
        self.loop.settle()

    def look_for_trouble(self) -> None:
        """Raise the exception of the process, if it ended by one."""
        if self._task and self._task.done():
            self._task.result()

    async def perform(self, effect: Callable[[], T], error: Callable[[], Exception] = ConnectionResetError) -> T:
        """Make an outside call. `effect` is what it does, all at once, unless the schedule decides otherwise."""
        if not self.runs:
            raise asyncio.CancelledError
        call: asyncio.Future[Fate] = self.loop.create_future()
        self._calls.append(call)
        try:
            fate = await call
        finally:
            if call in self._calls:
                self._calls.remove(call)  # the caller was cancelled
        if fate is Fate.REFUSED:
            raise error()
        result = effect()
        if fate is Fate.UNKNOWN:
            raise error()
        return result
