"""`python -m benchmarks [ROW]`: measure, print a table and write it as JSON. Not a test: the exit code is always 0."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console

from benchmarks import flood, hop, latency, profile, rebuild, repeats, start
from benchmarks.result import Bench, Result, table, write
from deploy.local.platform import Platform
from deploy.local.stack import Stack

FOLDER = Path(".local/bench")
FILE = Path(".local/bench.json")
ROWS: dict[str, Callable[[Bench], Coroutine[Any, Any, list[Result]]]] = {
    "hop": hop.hop,
    "usual": hop.usual,
    "latency": latency.latency,
    "repeats": repeats.repeats,
    "inbox": hop.inbox,
    "two": hop.two,
    "rebuild": rebuild.rebuild,
    "start": start.start,
    "flood": flood.flood,
}
console = Console(width=160)


def main(
    rows: Annotated[list[str] | None, typer.Argument(help=f"Some of {', '.join(ROWS)}; or `profile`.")] = None,
    scale: Annotated[float, typer.Option(help="Factor for the number of events.")] = 1.0,
    rounds: Annotated[int, typer.Option(help="Runs of each side; the median counts.")] = 3,
) -> None:
    """Every figure is measured beside its limit, in turns."""
    if unknown := set(rows or ()) - ROWS.keys() - {"profile"}:
        raise typer.BadParameter(f"no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    # Remove the data of former runs, which would take space in the page cache.
    Platform.wipe(FOLDER)
    with Stack.start(FOLDER) as stack:
        bench = Bench(stack, FOLDER, scale, rounds)
        if rows == ["profile"]:
            uvloop.run(profile.show(bench, console))
            return
        results: list[Result] = []
        for name in rows or ROWS:
            results += _row(name, bench)
            write(results, FILE)
    console.print(table(results))
    if missed := sorted({one.measure for one in results if one.held is False}):
        console.print(f"Not held: {', '.join(missed)}. Look at what else the machine did before you look at the code.")


def _row(name: str, bench: Bench) -> list[Result]:
    with console.status(f"{name}..."):
        try:
            return uvloop.run(ROWS[name](bench))
        except Exception as error:
            console.print_exception()
            return [Result(name, 0, "-", "-", 0, 0, "", False, f"no result: {error}")]


if __name__ == "__main__":
    typer.run(main)
