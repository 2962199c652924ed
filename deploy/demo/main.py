"""The demo from start to verdict."""

import asyncio
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from deploy.demo.drive import Drive
from deploy.demo.evidence import gather_evidence, outcomes, waiting
from deploy.demo.report import show
from deploy.demo.traffic import Day
from deploy.demo.verdict import judge
from deploy.local.platform import Platform
from deploy.local.stack import Stack
from deploy.services import SERVICES

QUIET_FOR = 2
"""How many checks in a row, half a second apart, have to find nothing waiting."""
QUIET_WITHIN = 300.0

NOBODY, EACH = "none", "each"
KILLS = (NOBODY, *SERVICES, EACH)
"""Which service gets SIGKILL: nobody, one, or each in turn."""


def moments(kill: str, requests: int) -> dict[int, str]:
    """After how many answers which service is killed."""
    if kill == NOBODY:
        return {}
    if kill != EACH:
        return {requests // 2: kill}
    return {requests * (at + 1) // (len(SERVICES) + 1): service for at, service in enumerate(SERVICES)}


class Victims:
    """Kills services at their moments, keeps their counts of before, and starts them again."""

    def __init__(self, platform: Platform, moments: dict[int, str], console: Console) -> None:
        self._platform = platform
        self._moments = moments
        self._console = console
        self._restarts: list[asyncio.Task[None]] = []
        self.counted: dict[str, Counter[str]] = {name: Counter() for name in SERVICES}

    async def after(self, answers: int) -> None:
        """Called after each answer, with the number of answers so far."""
        service = self._moments.pop(answers, None)
        if service:
            self._restarts.append(asyncio.create_task(self._kill(service)))

    async def _kill(self, service: str) -> None:
        process = self._platform.services[service]
        self.counted[service] += await asyncio.to_thread(outcomes, self._platform.urls[service])
        started = time.monotonic()
        await asyncio.to_thread(process.kill)
        await asyncio.to_thread(process.start)
        self._console.print(f"kill -9 {service}; it is back after {time.monotonic() - started:.1f} s")

    async def back(self) -> None:
        """Wait until every killed service runs again."""
        await asyncio.gather(*self._restarts)


def run_demo(folder: Path, kill: str, seed: int, console: Console) -> int:
    """Run the demo; returns the exit code."""
    started = time.monotonic()
    Platform.wipe(folder)
    with console.status("Kafka, PostgreSQL and mail..."):
        stack = Stack.start(folder)
    with stack:
        with console.status("databases, topics, services..."):
            platform = Platform(stack, folder).start()
        console.print(f"Everything runs after {time.monotonic() - started:.1f} s.")
        with platform:
            return asyncio.run(_run(platform, kill, seed, console))


async def _run(platform: Platform, kill: str, seed: int, console: Console) -> int:
    requests = Day(seed).requests()
    victims = Victims(platform, moments(kill, len(requests)), console)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("a day of traffic", total=len(requests))

        async def after_each(answers: int) -> None:
            progress.update(task, completed=min(answers, len(requests)))
            await victims.after(answers)

        started = time.monotonic()
        answers = await Drive(platform, after_each).run(requests)
        await victims.back()
    console.print(f"{len(answers)} requests in {time.monotonic() - started:.1f} s.")
    await _until_quiet(platform, console)
    console.print(f"Quiet {time.monotonic() - started:.1f} s after the first request.")
    evidence = await gather_evidence(platform)
    counted = {name: victims.counted[name] + outcomes(url) for name, url in platform.urls.items()}
    checks = judge(evidence, answers)
    show(console, evidence, answers, counted, checks)
    held = all(check.held for check in checks)
    console.print("[bold green]Every promise held." if held else "[bold red]A promise was broken.")
    return 0 if held else 1


async def _until_quiet(platform: Platform, console: Console) -> None:
    quiet = 0
    deadline = time.monotonic() + QUIET_WITHIN
    with console.status("waiting until everything is quiet...") as status:
        while quiet < QUIET_FOR:
            left = await waiting(platform)
            status.update("waiting until everything is quiet: " + ", ".join(f"{n} {what}" for what, n in left.items()))
            quiet = 0 if any(left.values()) else quiet + 1
            if time.monotonic() > deadline:
                console.print(f"[red]Not quiet within {QUIET_WITHIN:.0f} s: {left}")
                return
            await asyncio.sleep(0.5)
