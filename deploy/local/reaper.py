"""Outlives the owner of an attached stack just long enough to stop what the owner left running.

It watches a pipe that only the owner holds: however the owner ends, the operating system closes it.
"""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

FAREWELL = b"stopped"


class Reaper:
    """The owner's side of it."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """The owner has stopped everything itself."""
        with suppress(BrokenPipeError):
            self._process.communicate(FAREWELL)


def main() -> None:
    if sys.stdin.buffer.read() == FAREWELL:
        return
    # Only now: most reapers are dismissed, and loading the clients of all servers is half a second of work.
    from deploy.local.stack import Stack  # noqa: PLC0415

    Stack.reap(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
