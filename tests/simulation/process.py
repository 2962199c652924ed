"""A process under the schedule: it stops before every call to the world outside, until it is told how the call goes."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from tests.simulation.loop import VirtualLoop

T = TypeVar("T")


class Fate(StrEnum):
    """How a call goes."""

    DONE = "done"
    REFUSED = "refused"
    """nothing happened, and the caller learns it"""
    UNKNOWN = "unknown"
    """it happened, but what the caller learns is that the connection is gone"""


class Process(ABC):
    """One process. Between two calls it runs alone and at once; during a call anything may happen elsewhere."""

    def __init__(self, loop: VirtualLoop, name: str) -> None:
        self.loop = loop
        self.name = name
        self._task: asyncio.Task[None] | None = None
        self._call: asyncio.Future[Fate] | None = None

    def __repr__(self) -> str:
        return self.name

    @abstractmethod
    async def main(self) -> None:
        """What it does."""

    @property
    def runs(self) -> bool:
        """Has it started, and not ended or been killed?"""
        return self._task is not None and not self._task.done()

    @property
    def calls(self) -> bool:
        """Does it wait for the outcome of a call?"""
        return self._call is not None and not self._call.done()

    @property
    def rests(self) -> bool:
        """Does it wait for something else: a time, an answer, a lock?"""
        return self.runs and not self.calls

    def start(self) -> None:
        """Begin, up to the first call."""
        self._task = self.loop.create_task(self.main())
        self.loop.settle()

    def go(self, fate: Fate = Fate.DONE) -> None:
        """Let the call that it waits for go so, and go on to the next."""
        call, self._call = self._call, None
        assert call
        call.set_result(fate)
        self.loop.settle()

    def kill(self) -> None:
        """End it here and now, wherever it is."""
        assert self._task
        task, self._task = self._task, None
        task.cancel()
        self.loop.settle()
        self._call = None

    def look_for_trouble(self) -> None:
        """Raises what the process died of, if it did so by itself."""
        if self._task and self._task.done():
            self._task.result()

    async def perform(self, effect: Callable[[], T], error: Callable[[], Exception] = ConnectionResetError) -> T:
        """Call the world outside: `effect` is what happens there, in one moment, if it happens."""
        if not self.runs:
            raise asyncio.CancelledError
        self._call = self.loop.create_future()
        fate = await self._call
        if fate is Fate.REFUSED:
            raise error()
        result = effect()
        if fate is Fate.UNKNOWN:
            raise error()
        return result
