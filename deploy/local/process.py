"""A server as a process of this machine, identified by pid and start time so that any process can stop it."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.local import files, ports
from deploy.local.server import StackError, refuse_frozen

START_SECONDS = 60.0
# The last brokers of a cluster that stops wait in vain for a majority. Killing them then loses nothing.
STOP_SECONDS = 15.0

# Kept until this process ends: Python warns when a Popen is deleted while its child runs, and ours may run longer.
_children: list[subprocess.Popen[bytes]] = []


def left_in(folder: Path) -> list["ProcessServer"]:
    """The servers that were ever started in the sub-folders of this one, only to be stopped."""
    homes = (record.parent for record in folder.glob("*/process.json"))
    return [ProcessServer(home.name, home, 0, command=list, answers=lambda: False) for home in homes]


class ProcessServer:
    """Starts `command()` in `home` and waits until `answers()`.

    `command` and `environment` are asked at each start, and `command` may prepare data first; `stopped` runs after a
    stop in good order.
    """

    def __init__(
        self,
        name: str,
        home: Path,
        port: int,
        *,
        command: Callable[[], list[str]],
        answers: Callable[[], bool],
        environment: Callable[[], Mapping[str, str]] = dict,
        stop_signal: signal.Signals = signal.SIGTERM,
        stopped: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.port = port
        self.log = home / "server.log"
        self._record = home / "process.json"
        self._command = command
        self._answers = answers
        self._environment = environment
        self._stop_signal = stop_signal
        self._stopped = stopped
        self._wanted = False
        self._launching = threading.Lock()

    @property
    def running(self) -> bool:
        return self._process() is not None

    @property
    def pid(self) -> int | None:
        process = self._process()
        return process.pid if process else None

    @property
    def frozen(self) -> bool:
        process = self._process()
        with suppress(psutil.NoSuchProcess):
            return process is not None and process.status() == psutil.STATUS_STOPPED
        return False

    @property
    def answering(self) -> bool:
        return self._answers()

    def launch(self) -> None:
        self._wanted = True
        if not self.running:
            self._launch()

    def start(self) -> None:
        refuse_frozen(self)
        ran = self.running
        self.launch()
        if self._comes_up():
            return
        if ran:
            raise StackError(
                f"{self.name} (process {self.pid}) runs but does not answer; stop it and start it again: "
                "`make down`, then `make up`."
            )
        self.kill()
        raise StackError(f"{self.name} did not start; the end of {self.log} says:\n{self._last_words()}")

    def stop(self) -> None:
        self._give_up_starting()
        process = self._process()
        if process is None:
            return
        self.resume()  # a paused process would handle the signal only after it is resumed
        with suppress(psutil.NoSuchProcess):
            process.send_signal(self._stop_signal)
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            self.kill()
        else:
            self._stopped()

    def kill(self) -> None:
        self._give_up_starting()
        family = self._signal_family(signal.SIGKILL)
        psutil.wait_procs(family, timeout=STOP_SECONDS)

    def pause(self) -> None:
        self._signal_family(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_family(signal.SIGCONT)

    def _signal_family(self, number: signal.Signals) -> list[psutil.Process]:
        """Signal the process, then its children: PostgreSQL serves clients from child processes."""
        process = self._process()
        if process is None:
            return []
        family = [process, *process.children(recursive=True)]
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.send_signal(number)
        return family

    def _give_up_starting(self) -> None:
        """After Ctrl-C no server may be started any more by the threads that are still starting others."""
        with self._launching:
            self._wanted = False

    def _launch(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command, environment = self._command(), self._environment()
        if not ports.is_free(self.port):
            raise StackError(f"Port {self.port} of {self.name} is taken by another program; stop that one first.")
        with self._launching, self.log.open("ab") as log:
            if not self._wanted:
                raise StackError(f"{self.name} was stopped before it had started.")
            # In a new session, so that Ctrl-C reaches only the owner, which then stops the server gracefully.
            child = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            _children.append(child)
            born = psutil.Process(child.pid).create_time()
            files.write(self._record, json.dumps({"pid": child.pid, "born": born}))

    def _process(self) -> psutil.Process | None:
        try:
            record = json.loads(self._record.read_text())
            process = psutil.Process(record["pid"])
            same = abs(process.create_time() - record["born"]) < 1
            zombie = process.status() == psutil.STATUS_ZOMBIE
        except (FileNotFoundError, psutil.NoSuchProcess):
            return None
        if same and zombie:
            with suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)
        return process if same and not zombie else None

    def _comes_up(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._answers():
                return True
            if not self.running:
                return False
            time.sleep(0.05)
        return False

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])
