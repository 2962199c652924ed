"""The rows about the hop: against bare code, against the usual way, with a full inbox, in two processes."""

from collections.abc import Sequence
from statistics import median

import psutil

from benchmarks.ground import BARE, CHASSIS, Ground, Lap, Peer
from benchmarks.result import Bench, Result

EVENTS = 20_000
USUAL_EVENTS = 400
POLLING = Peer("FastStream and ORM", "usual", ("polling",), warm_up=100)
OUTBOX = Peer("faststream-outbox", "usual", ("outbox",), outbox="relayed", ordered=False, warm_up=100)

Entry = tuple[Ground, Peer, int, int]
"""The ground, the peer, the number of events and of workers."""


async def hop(bench: Bench) -> list[Result]:
    """The chassis against bare code."""
    ground = await Ground.make(bench.stack, bench.directory)
    events = bench.some(EVENTS)
    bare, chassis = await _race(bench, [(ground, BARE, events, 1), (ground, CHASSIS, events, 1)])
    ratio = _rate(chassis) / _rate(bare)
    note = f"CPU per event: {_cpu(chassis)}; bare {_cpu(bare)}"
    return [Result("hop", _rate(chassis), "events/s", "bare", _rate(bare), ratio, ">= 0.75", ratio >= 0.75, note)]


async def usual(bench: Bench) -> list[Result]:
    """The chassis against common frameworks as their tutorials use them."""
    ground = await Ground.make(bench.stack, bench.directory)
    few = bench.some(USUAL_EVENTS)
    entries = [(ground, CHASSIS, bench.some(EVENTS), 1), (ground, POLLING, few, 1), (ground, OUTBOX, few, 1)]
    chassis, polling, outbox = await _race(bench, entries)
    rate = _rate(chassis)
    against = rate / _rate(polling)
    late = f"{median(lap.out_of_order for lap in outbox):.0f} keys out of order"
    return [
        Result("usual", rate, "events/s", POLLING.name, _rate(polling), against, ">= 30", against >= 30, _cpu(polling)),
        Result("usual", rate, "events/s", OUTBOX.name, _rate(outbox), rate / _rate(outbox), "", None, late),
    ]


async def inbox(bench: Bench) -> list[Result]:
    """The chassis with a small and with a large inbox."""
    small = await Ground.make(bench.stack, bench.directory, inbox=10_000)
    full = bench.some(10_000_000)
    large = await Ground.make(bench.stack, bench.directory, "large", inbox=full)
    events = bench.some(EVENTS)
    before, after = await _race(bench, [(small, CHASSIS, events, 1), (large, CHASSIS, events, 1)])
    cost = _rate(before) / _rate(after)
    note = f"{_cpu(after)}; with the small one {_cpu(before)}"
    peer = f"{full:,} rows instead of 10,000"
    return [Result("inbox", _rate(before), "events/s", peer, _rate(after), cost, "<= 1.1", cost <= 1.1, note)]


async def two(bench: Bench) -> list[Result]:
    """Two processes of the chassis against one."""
    ground = await Ground.make(bench.stack, bench.directory)
    events = bench.some(EVENTS)
    one, both = await _race(bench, [(ground, CHASSIS, events, 1), (ground, CHASSIS, events, 2)])
    ratio = _rate(both) / _rate(one)
    note = f"cores in use: {_cores(both)}, of {_machine()}; one process: {_cores(one)}"
    return [Result("two", _rate(both), "events/s", "one process", _rate(one), ratio, ">= 1.7", ratio >= 1.7, note)]


async def _race(bench: Bench, entries: Sequence[Entry]) -> list[list[Lap]]:
    """Run all entries in turns, several rounds, so that other load on the machine affects all of them."""
    laps: list[list[Lap]] = [[] for _ in entries]
    for _ in range(bench.rounds):
        for mine, (ground, peer, events, workers) in zip(laps, entries, strict=True):
            mine.append(await ground.lap(peer, events, workers))
    return laps


def _rate(laps: Sequence[Lap]) -> float:
    return median(lap.rate for lap in laps)


def _cpu(laps: Sequence[Lap]) -> str:
    return ", ".join(f"{who} {median(lap.cpu[who] for lap in laps):.0f} µs" for who in laps[0].cpu)


def _cores(laps: Sequence[Lap]) -> str:
    return ", ".join(f"{who} {median(lap.cpu[who] * lap.rate for lap in laps) / 1e6:.2f}" for who in laps[0].cpu)


def _machine() -> int:
    return psutil.cpu_count() or 1
