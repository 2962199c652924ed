"""An event loop in which nothing happens by itself: no input, and a clock that only a schedule moves."""

import asyncio
from collections import deque


class _NoInput:
    """A selector on nothing."""

    def select(self, _: float | None) -> list[object]:
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs what can run, in the order in which it became ready, and stands still."""

    _ready: "deque[asyncio.Handle]"

    def __init__(self) -> None:
        super().__init__()
        self._selector = _NoInput()
        self._now = 0.0
        # A process that was killed leaves answers that nobody reads.
        self.set_exception_handler(lambda *_: None)

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._now

    def _process_events(self, _: list[object]) -> None:
        """There are none."""

    def settle(self) -> None:
        """Run until every task waits for something."""
        while True:
            self.call_soon(self.stop)
            self.run_forever()
            if not self._ready:
                return

    def pass_time(self, seconds: float) -> None:
        """Move the clock: whose time has come goes on."""
        self._now += seconds
        self.settle()
