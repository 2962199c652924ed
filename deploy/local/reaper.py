"""A small process that outlives the owner of an attached stack, to stop the servers that it left running.

It reads from a pipe that only the owner has open: however the owner ends, the operating system closes it.
"""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

FAREWELL = b"stopped"


class Reaper:
    """The owner's handle of the reaper process."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """End the reaper, because the owner stopped everything itself."""
        with suppress(BrokenPipeError):
            self._process.communicate(FAREWELL)


def main() -> None:
    if sys.stdin.buffer.read() == FAREWELL:
        return
    # Imported late, because most reapers are dismissed and loading the clients of all servers takes half a second.
    from deploy.local.stack import Stack  # noqa: PLC0415

    Stack.reap(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
