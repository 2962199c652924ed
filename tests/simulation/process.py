"""A process under the schedule: it stops before every call to the world outside, until it is told how the call goes."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeVar

from tests.simulation.loop import VirtualLoop

T = TypeVar("T")


class Fate(StrEnum):
    """How a call goes."""

    DONE = "done"
    REFUSED = "refused"
    """nothing happened, and the caller learns it"""
    UNKNOWN = "unknown"
    """it happened, but what the caller learns is that the connection is gone"""
    NEVER = "never"
    """nothing happened, and the caller does not live to see it"""


class Actor(Protocol):
    """Something that goes on when the schedule says so."""

    @property
    def ready(self) -> bool: ...

    def go(self, fate: Fate = Fate.DONE) -> None: ...


class Process(ABC):
    """One process. Between two calls it runs alone and at once; during a call anything may happen elsewhere."""

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
        """What it does."""

    @property
    def life(self) -> "asyncio.Task[None]":
        """What ends when it is killed; the next start is another."""
        assert self._task
        return self._task

    @property
    def runs(self) -> bool:
        """Has it started, and not ended or been killed?"""
        return self._task is not None and not self._task.done()

    @property
    def ready(self) -> bool:
        """Can it go on: does it make a call, or not even run? Otherwise it waits: for a time, an answer, a lock."""
        return not self.runs or bool(self._calls)

    def start(self) -> None:
        """Begin. Whatever a former life left ends."""
        self.loop.end(self)
        self.loop.settle()
        self._calls = []
        self._task = self.loop.begin(self, self.main())
        self.loop.settle()

    def go(self, fate: Fate = Fate.DONE) -> None:
        """Let a call go so, and go on to the next; if it does not run, begin. Of several calls, each has its turn."""
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
        """End it here and now, with every task that it began."""
        self._task = None
        self.loop.end(self)
        self.loop.settle()

    def look_for_trouble(self) -> None:
        """Raises what the process died of, if it did so by itself."""
        if self._task and self._task.done():
            self._task.result()

    async def perform(self, effect: Callable[[], T], error: Callable[[], Exception] = ConnectionResetError) -> T:
        """Call the world outside: `effect` is what happens there, in one moment, if it happens."""
        if not self.runs:
            raise asyncio.CancelledError
        call: asyncio.Future[Fate] = self.loop.create_future()
        self._calls.append(call)
        try:
            fate = await call
        finally:
            if call in self._calls:
                self._calls.remove(call)  # nobody waits for it any more
        if fate is Fate.REFUSED:
            raise error()
        result = effect()
        if fate is Fate.UNKNOWN:
            raise error()
        return result
