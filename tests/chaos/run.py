"""Runs one cell and says what came of it."""

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
    """What came of a cell. `error`: it could not be played to its end."""

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
        """Every promise held."""
        return not self.broken and self.error is None

    @property
    def verdict(self) -> str:
        """In a few words."""
        found = [f"{promise} ({number})" for promise, number in Counter(one.promise for one in self.broken).items()]
        return ", ".join([*found, *([self.error] if self.error else [])]) or "held"

    def as_json(self) -> dict[str, object]:
        """For the report."""
        broken = [f"{one.promise}: {one.detail}" for one in self.broken]
        return {**vars(self), "seconds": round(self.seconds, 1), "verdict": self.verdict, "broken": broken}


async def run_cell(
    cell: Cell,
    stack: Stack,
    folder: Path,
    seed: int,
    sabotage: str | None = None,
    *,
    retry_policy: float = QUIET_WITHIN,
) -> Result:
    """Play it, and judge."""
    started = time.monotonic()
    trial = Trial(stack, folder, cell.name, seed, sabotage, retry_policy=retry_policy)
    error = None
    try:
        async with trial.running():
            await cell.act(trial)
            await trial.judge(calm=cell.calm)
    except BrokenHalfWay:
        pass
    except Exception as failure:  # a cell that cannot be played has failed, and the others go on
        error = f"{type(failure).__name__}: {str(failure)[:500]}"
    seconds = time.monotonic() - started
    return Result(cell.name, seed, seconds, len(trial.sent), trial.inbox, trial.absorbed, tuple(trial.broken), error)
