"""An event loop in which nothing happens by itself: no input, and a clock that only a schedule moves."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from datetime import datetime, timedelta
from heapq import heappop
from typing import TypeVarTuple, Unpack

from chassis.testing.builders import NOON

Arguments = TypeVarTuple("Arguments")


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs what can run, in the order in which it became ready, and stands still."""

    _ready: "deque[asyncio.Handle]"
    _scheduled: "list[asyncio.TimerHandle]"

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        # A process that was killed leaves answers that nobody reads.
        self.set_exception_handler(lambda *_: None)

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._now

    def now(self) -> datetime:
        """The same, on a day."""
        return NOON + timedelta(seconds=self._now)

    def call_soon(
        self, callback: Callable[[Unpack[Arguments]], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def settle(self) -> None:
        """Run until every task waits for something. Leaner than `run_forever`, which looks for input each time."""
        asyncio._set_running_loop(self)
        while self._ready:
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()
        asyncio._set_running_loop(None)

    def pass_time(self, seconds: float) -> None:
        """Move the clock: whose time has come goes on."""
        self._now += seconds
        while self._scheduled and self._scheduled[0].when() <= self._now:
            self._ready.append(heappop(self._scheduled))
        self.settle()
