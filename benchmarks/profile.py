"""A sampling profile of the worker of a hop, in microseconds of CPU per event and function."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
from rich.console import Console

from benchmarks.ground import BARE, CHASSIS, Ground, Peer
from benchmarks.result import Bench

RATE = 250
LINES = 50


async def profile(ground: Ground, peer: Peer, events: int, file: Path) -> tuple[Counter[str], Counter[str]]:
    """Time per function: including what it calls, and without."""

    @contextmanager
    def observe(workers: Sequence[psutil.Process]) -> Iterator[None]:
        command = [
            str(Path(sys.executable).parent / "py-spy"),
            "record",
            "--rate",
            str(RATE),
            "--format",
            "raw",
            "--output",
            str(file),
        ]
        spy = subprocess.Popen([*command, "--pid", str(workers[0].pid)], stdout=subprocess.DEVNULL)
        time.sleep(1)
        try:
            yield
        finally:
            spy.send_signal(signal.SIGINT)
            spy.wait(60)

    lap = await ground.lap(peer, events, observe=observe)
    stacks = [line.rpartition(" ") for line in _lines(file)]
    samples = sum(int(number) for *_, number in stacks)
    with_calls: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    for stack, _, number in stacks:
        cost = int(number) / samples * lap.cpu["python"]
        functions = [_function(frame) for frame in stack.split(";")]
        alone[functions[-1]] += cost  # type: ignore[assignment]
        for function in set(functions):
            with_calls[function] += cost  # type: ignore[assignment]
    return with_calls, alone


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines()


def _function(frame: str) -> str:
    name, _, place = frame.partition(" (")
    return f"{place.rpartition(':')[0]} {name}".replace("site-packages/", "")


async def show(bench: Bench, console: Console) -> None:
    """Both sides of the hop, function by function."""
    ground = await Ground.make(bench.stack, bench.directory)
    for peer in (BARE, CHASSIS):
        with_calls, alone = await profile(ground, peer, bench.some(40_000), bench.directory / f"{peer.name}.raw")
        whole = sum(alone.values())
        # Leave out the functions that contain nearly everything, such as the event loop and the command line.
        inner = Counter({name: cost for name, cost in with_calls.items() if cost < 0.95 * whole})
        for title, costs in (("with what it calls", inner), ("alone", alone)):
            console.rule(f"{peer.name}, µs per event, {title} (in all {whole:.0f})")
            for name, cost in costs.most_common(LINES):
                console.print(f"{cost:7.1f} {name}", highlight=False)
