"""Starts again what died of a platform that somebody left up.

    python -m deploy.local.supervisor FOLDER

What should run is written in `wanted.json` of the folder: `make up` writes it, `make down` removes it. Only what is
named there is started again, at its recorded port. Without that file the supervisor ends.
"""

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import files
from deploy.local.lock import FolderLock
from deploy.local.platform import Platform
from deploy.local.process import ProcessServer
from deploy.local.server import Server, StackError

EVERY = 1.0
FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0
HEALTHY_AFTER = 60.0
COMMAND_SECONDS = 15.0
BUSY = (
    "Process {owner} is starting or stopping the platform in {folder}: wait until it is done, or stop it first "
    "(`kill {owner}`)."
)


def supervisor(directory: Path) -> ProcessServer:
    """The supervisor of this folder: a part like the others, known by its pid."""
    directory = directory.absolute()
    home = directory / "supervisor"
    command = [sys.executable, "-m", __name__, str(directory)]
    server = ProcessServer("supervisor", home, 0, command=lambda: command, answers=lambda: _watches(home, server.pid))
    return server


def command_lock(directory: Path) -> FolderLock:
    """Held by whoever starts or stops parts of a platform: `make up`, `make down`, or the supervisor for a moment."""
    return FolderLock(directory.absolute(), "command.lock", BUSY)


@contextmanager
def commanding(directory: Path) -> Iterator[None]:
    """Nobody else starts or stops anything in this folder meanwhile.

    Raises:
        StackError: somebody else does, and did not end within some seconds.
    """
    lock = command_lock(directory)
    lock.acquire(COMMAND_SECONDS)
    try:
        yield
    finally:
        lock.release()


def wanted(directory: Path) -> list[str] | None:
    """The names of the parts that should run; None where nothing should."""
    try:
        names: list[str] = json.loads((directory / "wanted.json").read_text())["parts"]
    except FileNotFoundError:
        return None
    return names


def want(directory: Path, names: Iterable[str] | None) -> None:
    """From now on these parts should run; None: nothing should."""
    if names is None:
        (directory / "wanted.json").unlink(missing_ok=True)
    else:
        files.write(directory / "wanted.json", json.dumps({"parts": list(names)}, indent=2))


def restarts(directory: Path) -> dict[str, int] | None:
    """How often the supervisor has started each part again since `make up`; None where none has written it down."""
    seen = _read(directory / "supervisor")
    return seen.restarts if seen else None


def forget_restarts(directory: Path) -> None:
    """The next `make up` begins to count anew."""
    (directory / "supervisor" / "watching.json").unlink(missing_ok=True)


@dataclass
class BackOff:
    """When a part that died is started again: after 1, 2, 4 ... 30 s; from 1 s again after a minute of health."""

    delay: float = FIRST_DELAY
    _up_since: float | None = None
    _due: float | None = None

    def runs(self, now: float) -> None:
        """It runs now."""
        self._due = None
        self._up_since = now if self._up_since is None else self._up_since
        if now - self._up_since >= HEALTHY_AFTER:
            self.delay = FIRST_DELAY

    def is_due(self, now: float) -> bool:
        """It does not run now: whether it is to be started."""
        self._up_since = None
        self._due = now + self.delay if self._due is None else self._due
        return now >= self._due

    def tried(self) -> None:
        """It was started, or could not be."""
        self.delay = min(2 * self.delay, LONGEST_DELAY)
        self._due = None


@dataclass
class _Watching:
    """What a supervisor writes down for others."""

    pid: int
    restarts: dict[str, int]


class Supervisor:
    """Looks at every part each second, and never waits for one to answer: the others may need it too."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._home = directory / "supervisor"
        self._back_offs: dict[str, BackOff] = {}
        self._restarts = Counter(restarts(directory) or {})

    def watch(self, stop: threading.Event) -> None:
        """Go on until told to stop, or until nothing is wanted any more."""
        self._write()
        while wanted(self._directory) is not None and not stop.wait(EVERY):
            try:
                self.look(time.monotonic())
            except Exception:  # whatever is wrong with one part now, the others need their supervisor
                traceback.print_exc()

    def look(self, now: float) -> None:
        """Start again what died, as far as it is time."""
        due = [part for part in self._wanted_parts() if self._is_due(part, now)]
        if not due:
            return
        lock = command_lock(self._directory)
        try:
            lock.acquire(timeout=0)
        except StackError:
            return  # a person starts or stops things: not now
        try:
            names = {part.name for part in due}
            for part in self._wanted_parts():  # what is wanted may have changed while nobody held the lock
                if part.name in names and not part.running:
                    self._start_again(part)
        finally:
            lock.release()

    def _wanted_parts(self) -> list[Server]:
        names, platform = wanted(self._directory) or [], Platform.recorded(self._directory)
        return [part for part in platform.parts if part.name in names] if platform else []

    def _is_due(self, part: Server, now: float) -> bool:
        back_off = self._back_offs.setdefault(part.name, BackOff())
        if part.running:
            back_off.runs(now)
            return False
        return back_off.is_due(now)

    def _start_again(self, part: Server) -> None:
        back_off = self._back_offs[part.name]
        waited = back_off.delay
        back_off.tried()
        try:
            part.launch()
        except StackError as error:
            print(f"{part.name} cannot be started: {error}", flush=True)
            return
        self._restarts[part.name] += 1
        self._write()
        print(f"{part.name} had died; started again after {waited:.0f} s as process {part.pid}", flush=True)

    def _write(self) -> None:
        state = {"pid": os.getpid(), "restarts": self._restarts}
        files.write(self._home / "watching.json", json.dumps(state))


def _read(home: Path) -> _Watching | None:
    try:
        return _Watching(**json.loads((home / "watching.json").read_text()))
    except FileNotFoundError:
        return None


def _watches(home: Path, pid: int | None) -> bool:
    seen = _read(home)
    return seen is not None and seen.pid == pid


def main() -> None:
    directory, stop = Path(sys.argv[1]).absolute(), threading.Event()
    # Not at once: a process that was just started has to be written down first, or nobody could stop it.
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    one = FolderLock(directory / "supervisor", complaint="Process {owner} supervises {folder} already.")
    try:
        one.acquire(timeout=0)
    except StackError as error:
        sys.exit(str(error))
    Supervisor(directory).watch(stop)


if __name__ == "__main__":
    main()
