"""An event loop without input, and with a clock that only the schedule moves."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from datetime import datetime, timedelta
from heapq import heappop
from typing import Any, TypeVarTuple, Unpack
from weakref import WeakSet

from chassis.testing.builders import NOON

Arguments = TypeVarTuple("Arguments")
OWNER: ContextVar[object] = ContextVar("OWNER", default=None)
"""The process that a task belongs to: killing a process cancels all its tasks."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs what is ready, in the order in which it became ready, and then returns."""

    _ready: "deque[asyncio.Handle]"
    _scheduled: "list[asyncio.TimerHandle]"

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._tasks: defaultdict[object, WeakSet[asyncio.Task[Any]]] = defaultdict(WeakSet)
        # A killed process leaves futures with exceptions that are never retrieved; they are not reported.
        self.set_exception_handler(lambda *_: None)

    def time(self) -> float:
        """Simulated seconds since the start."""
        return self._now

    def now(self) -> datetime:
        """The simulated date and time."""
        return NOON + timedelta(seconds=self._now)

    def call_soon(
        self, callback: Callable[[Unpack[Arguments]], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def begin(self, owner: object, main: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start the first task of an owner; tasks that it starts belong to the same owner."""
        context = copy_context()
        context.run(OWNER.set, owner)
        return self._keep(owner, super().create_task(main, context=context))

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None) -> asyncio.Task[Any]:
        return self._keep(OWNER.get(), super().create_task(coro, name=name, context=context))

    def _keep(self, owner: object, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        self._tasks[owner].add(task)
        return task

    def end(self, owner: object) -> None:
        """Cancel all tasks of an owner."""
        for task in self._tasks.pop(owner, ()):
            task.cancel()

    def settle(self) -> None:
        """Run until every task waits for something. Faster than `run_forever`, which polls for input each time."""
        asyncio._set_running_loop(self)
        while self._ready:
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()
        asyncio._set_running_loop(None)

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and run the timers that are due."""
        self._now += seconds
        while self._scheduled and self._scheduled[0].when() <= self._now:
            self._ready.append(heappop(self._scheduled))
        self.settle()
