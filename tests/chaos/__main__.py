"""`python -m tests.chaos [CELL ...] [--seed N]`: runs all cells of the matrix, or some, and reports the verdicts."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.local import files
from deploy.local.platform import Platform
from deploy.local.stack import Stack
from tests.chaos.cells import CELLS, Cell
from tests.chaos.run import Result, run_cell

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / ".local/chaos"
REPORT = ROOT / ".local/chaos.json"
SHOWN = 5
"""How many violations of one cell are printed; all are in the report."""


def main(
    cells: Annotated[list[str] | None, typer.Argument(help="Only these; all when none is named.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes other traffic and crashes at other moments.")] = 1,
    sabotage: Annotated[str | None, typer.Option(help="Switch a mechanism off; the cell should then fail.")] = None,
) -> None:
    """Run cells one after the other, on separate servers."""
    if unknown := set(cells or ()) - CELLS.keys():
        raise typer.BadParameter(f"no cell {', '.join(sorted(unknown))}; there are {', '.join(CELLS)}")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console = Console()
    results: list[Result] = []
    chosen = [CELLS[name] for name in cells] if cells else list(CELLS.values())
    for brokers in sorted({one.brokers for one in chosen}):
        results += _run([one for one in chosen if one.brokers == brokers], brokers, seed, sabotage, console)
    console.print(_table(results))
    for result in results:
        for broken in result.broken[:SHOWN]:
            console.print(f"[red]{result.cell}: {broken.violation}: {broken.detail}", soft_wrap=True)
    files.write(REPORT, json.dumps([result.as_json() for result in results], indent=2))
    raise typer.Exit(0 if all(result.held for result in results) else 1)


def _run(cells: list[Cell], brokers: int, seed: int, sabotage: str | None, console: Console) -> list[Result]:
    folder = FOLDER / f"of-{brokers}"
    Platform.wipe(folder)
    results = []
    with Stack.start(folder, brokers=brokers) as stack:
        for one in cells:
            with console.status(one.name):
                results.append(asyncio.run(run_cell(one, stack, folder, seed, sabotage)))
            console.print(_line(results[-1]))
    return results


def _line(result: Result) -> str:
    return f"{result.seconds:6.1f} s  {result.cell:<34}{result.verdict}"


def _table(results: list[Result]) -> Table:
    table = Table(title="Every fault, and whether every guarantee held")
    for name in ("cell", "seconds", "sent", "handled", "duplicates absorbed", "verdict"):
        is_text = name in ("cell", "verdict")
        width = max(len(word) for word in name.split())
        table.add_column(name, justify="left" if is_text else "right", no_wrap=name == "cell", min_width=width)
    for one in results:
        colour = "green" if one.held else "bold red"
        numbers = (f"{one.seconds:.1f}", str(one.sent), str(one.handled), str(one.absorbed))
        table.add_row(one.cell, *numbers, f"[{colour}]{one.verdict}")
    return table


if __name__ == "__main__":
    typer.run(main)
