"""Runs one cell and returns its result."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from deploy.local.stack import Stack
from tests.chaos.cells import Cell
from tests.chaos.oracle import Broken
from tests.chaos.trial import QUIET_WITHIN, BrokenHalfWay, Trial


@dataclass(frozen=True)
class Result:
    """The result of a cell. `error`: the cell itself failed before its end."""

    cell: str
    seed: int
    seconds: float
    sent: int
    handled: int
    absorbed: int
    broken: tuple[Broken, ...]
    error: str | None = None

    @property
    def held(self) -> bool:
        """Were there no violations?"""
        return not self.broken and self.error is None

    @property
    def verdict(self) -> str:
        """The verdict in a few words."""
        found = [f"{what} ({number})" for what, number in Counter(one.violation for one in self.broken).items()]
        return ", ".join([*found, *([self.error] if self.error else [])]) or "held"

    def as_json(self) -> dict[str, object]:
        """The result as an entry of the report."""
        broken = [f"{one.violation}: {one.detail}" for one in self.broken]
        return {**vars(self), "seconds": round(self.seconds, 1), "verdict": self.verdict, "broken": broken}


async def run_cell(
    cell: Cell,
    stack: Stack,
    folder: Path,
    seed: int,
    sabotage: str | None = None,
    *,
    quiet_within: float = QUIET_WITHIN,
) -> Result:
    """Run the cell, and let the oracle judge."""
    started = time.monotonic()
    trial = Trial(stack, folder, cell.name, seed, sabotage, quiet_within=quiet_within)
    error = None
    try:
        async with trial.running():
            await cell.act(trial)
            await trial.judge(calm=cell.calm)
    except BrokenHalfWay:
        pass
    except Exception as failure:  # a cell that fails by itself is an error in the report; the others go on
        error = f"{type(failure).__name__}: {str(failure)[:500]}"
    seconds = time.monotonic() - started
    return Result(cell.name, seed, seconds, len(trial.sent), trial.inbox, trial.absorbed, tuple(trial.broken), error)
