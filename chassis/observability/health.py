"""Is this process alive, and is it ready? Alive means progress, not an open socket."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Health:
    """What the parts of a process say of themselves. `stuck_after`: seconds without progress that are too many."""

    stuck_after: float = 120.0
    slow_after: float = 10.0
    """Seconds that a piece of work may take while the process still counts as ready."""
    clock: Callable[[], float] = time.monotonic
    _waiting_for: set[str] = field(default_factory=set)
    _progress: dict[str, float] = field(default_factory=dict)
    _begun: dict[str, float] = field(default_factory=dict)

    def expect(self, part: str) -> None:
        """This part has to come up before the process is ready."""
        self._waiting_for.add(part)

    def progress(self, part: str) -> None:
        """This part works: it is up, and it just finished something or found nothing to do."""
        self._waiting_for.discard(part)
        self._progress[part] = self.clock()

    def lost(self, part: str) -> None:
        """This part waits for something that it needs."""
        self._waiting_for.add(part)

    def found(self, part: str) -> None:
        """What this part waited for is there again."""
        self._waiting_for.discard(part)

    def begin(self, work: str) -> None:
        """This piece of work begins."""
        self._begun[work] = self.clock()

    def end(self, work: str) -> None:
        """It ended, well or not."""
        self._begun.pop(work, None)

    @property
    def stuck(self) -> list[str]:
        """Parts that began something and did not come back."""
        now = self.clock()
        return sorted(part for part, last in self._progress.items() if now - last > self.stuck_after)

    @property
    def not_ready(self) -> list[str]:
        """Parts that the process still waits for, and work that takes too long."""
        now = self.clock()
        slow = {work for work, since in self._begun.items() if now - since > self.slow_after}
        return sorted(self._waiting_for | slow)
