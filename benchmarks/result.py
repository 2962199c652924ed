"""The results of the rows, as a table to read and as JSON to compare runs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.table import Table

from deploy.local import files
from deploy.local.stack import Stack


@dataclass(frozen=True)
class Bench:
    """What every row needs: the servers, a folder for logs, and how much time there is."""

    stack: Stack
    directory: Path
    scale: float = 1.0
    rounds: int = 3

    def some(self, number: int) -> int:
        """This number of events, times the scale."""
        return max(100, int(number * self.scale))


@dataclass(frozen=True)
class Result:
    """A figure, the limit measured beside it, and whether the reach is held (None: the row has no reach)."""

    measure: str
    value: float
    unit: str
    peer: str
    peer_value: float
    ratio: float
    reach: str
    held: bool | None
    note: str = ""


def table(results: Sequence[Result]) -> Table:
    """The table of all rows."""
    made = Table("measure", box=box.SIMPLE_HEAD, show_lines=True)
    for heading in ("value", "beside it", "ratio", "reach", "held"):
        made.add_column(heading, justify="right")
    made.add_column("note", overflow="fold")
    for one in results:
        held = {True: "[green]held[/]", False: "[bold red]NOT HELD[/]", None: "-"}[one.held]
        value, beside = f"{_short(one.value)} {one.unit}", f"{_short(one.peer_value)} ({one.peer})"
        made.add_row(one.measure, value, beside, f"{one.ratio:.2f}", one.reach, held, one.note)
    return made


def write(results: Sequence[Result], file: Path) -> None:
    """Write the rows as JSON."""
    files.write(file, json.dumps([asdict(one) for one in results], indent=2))


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
