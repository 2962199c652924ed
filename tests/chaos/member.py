"""One process of a ledger, which can be made to die or to stop at a crash point."""

import asyncio
import sys
import urllib.request
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import psutil

from chassis.crash_points import Point
from chassis.testing.eventually import eventually
from deploy.demo.evidence import outcomes
from deploy.local import ports
from deploy.local.process import ProcessServer

REACHED_WITHIN = 60.0


class Member:
    """A process of the service, in one role."""

    def __init__(
        self,
        name: str,
        folder: Path,
        environment: Mapping[str, str],
        role: str = "run",
        *,
        crash_at: tuple[Point, int] | None = None,
        stop_at: tuple[Point, int] | None = None,
    ) -> None:
        port = ports.choose([name], {})[name]
        traps = {"DUAAL_CRASH_AT": crash_at, "DUAAL_STOP_AT": stop_at}
        armed = {variable: f"{trap[0]}:{trap[1]}" for variable, trap in traps.items() if trap}
        self.url = f"http://{ports.HOST}:{port}"
        self._process = ProcessServer(
            name,
            folder / "services" / name,
            port,
            command=lambda: [sys.executable, "-m", "tests.chaos.workload", role],
            # A process that dies at a crash point may never become ready.
            answers=(lambda: True) if armed else partial(_ready, self.url),
            environment=lambda: {**environment, "LEDGER_HTTP_PORT": str(port), **armed},
        )

    async def start(self) -> None:
        """Start it, and wait until it has its partitions; with a crash point it is only started."""
        await asyncio.to_thread(self._process.start)

    async def ready(self) -> None:
        """Wait until it has its partitions."""
        await eventually(self.says_ready, within=REACHED_WITHIN)

    async def says_ready(self) -> bool:
        """What it answers on /ready."""
        return await asyncio.to_thread(_ready, self.url)

    async def metrics(self) -> str:
        """What it answers on /metrics."""
        return await asyncio.to_thread(_metrics, self.url)

    async def died_there(self) -> None:
        """Wait until it killed itself at its crash point."""
        await eventually(lambda: not self._process.running, within=REACHED_WITHIN)
        assert "SIGKILL at" in self.log, f"{self._process.name} ended, but not where it should: {self.log[-500:]}"

    async def stopped_there(self) -> None:
        """Wait until it is stopped at its crash point."""
        await eventually(lambda: self._status() == psutil.STATUS_STOPPED, within=REACHED_WITHIN)

    def pause(self) -> None:
        """SIGSTOP."""
        self._process.pause()

    def resume(self) -> None:
        """SIGCONT."""
        self._process.resume()

    async def kill(self) -> None:
        """kill -9."""
        await asyncio.to_thread(self._process.kill)

    async def stop(self) -> None:
        """SIGTERM: it finishes its work."""
        await asyncio.to_thread(self._process.stop)

    async def absorbed(self) -> int:
        """Deliveries that its inbox dropped."""
        return (await asyncio.to_thread(outcomes, self.url))["DUPLICATE"] if self._process.running else 0

    @property
    def log(self) -> str:
        """Its log output."""
        return self._process.log.read_text(errors="replace")

    def _status(self) -> str:
        pid = self._process.pid
        return psutil.Process(pid).status() if pid else "gone"


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _metrics(url: str) -> str:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        return str(answer.read().decode())
