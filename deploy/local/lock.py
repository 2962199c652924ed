"""One owner per stack folder, by a file lock: the operating system releases it however its owner ends."""

import fcntl
import os
import time
from pathlib import Path
from typing import IO

from deploy.local.server import StackError

RUNS_ALREADY = "Process {owner} is already running the stack in {folder}; stop it first, or choose another folder."


class FolderLock:
    """The exclusive right to start and stop the stack of a folder."""

    def __init__(self, directory: Path, name: str = "lock", complaint: str = RUNS_ALREADY) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / name
        self._saying = complaint
        self._file: IO[str] | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def acquire(self, timeout: float) -> None:
        """Wait up to `timeout` seconds: the reaper of a former owner may still be stopping servers."""
        file = self.path.open("a+")
        deadline = time.monotonic() + timeout
        while not _try(file):
            if time.monotonic() > deadline:
                raise StackError(self._complaint(file))
            time.sleep(0.05)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _complaint(self, file: IO[str]) -> str:
        file.seek(0)
        owner = file.read()
        file.close()
        return self._saying.format(owner=owner, folder=self.path.parent)


def _try(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
