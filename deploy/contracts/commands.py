"""`duaal contracts`: check that every event is compatible with its former versions, and record new versions."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from chassis.partners import read_partners
from contracts.compatibility import RULES
from contracts.registry import EVENTS
from contracts.schema import recorded
from deploy.contracts.gate import State, Verdict, gate
from deploy.contracts.recording import record, who_goes_first
from deploy.local.platform import PARTNERS

app = typer.Typer(no_args_is_help=True, help=__doc__)
console = Console(width=140, highlight=False)

Since = Annotated[str, typer.Option(help="The commit whose recorded versions are released and never change.")]


@app.command()
def check(since: Since = "HEAD") -> None:
    """Compare every event with all its recorded versions, in both directions; exit code 1 when work is left."""
    verdicts = gate(since).verdicts()
    table = Table("type", "versions", "result")
    for verdict in verdicts:
        numbers = ", ".join(str(number) for number in recorded(verdict.type)) or "-"
        table.add_row(verdict.type, numbers, "compatible" if verdict.passed else f"[red]{_result(verdict)}[/red]")
    console.print(table)
    for verdict in verdicts:
        _explain(verdict)
    raise typer.Exit(0 if all(verdict.passed for verdict in verdicts) else 1)


@app.command()
def approve(since: Since = "HEAD") -> None:
    """Record what is new or changed and compatible, draft missing examples, and say which side is deployed first."""
    from deploy.contracts.examples import draft  # noqa: PLC0415 - `duaal` runs without what this needs

    verdicts = gate(since).verdicts()
    partners = read_partners(PARTNERS).values()
    for verdict in verdicts:
        if not verdict.compatible:
            _explain(verdict)
        elif not verdict.passed:
            model = EVENTS[verdict.type]
            number = record(model, gate(since))
            first = who_goes_first(model.declaration, verdict.found, partners)
            console.print(f"[bold]{verdict.type}[/bold] version {number}: {first}")
            _list_changes(verdict)
        for file in draft(EVENTS[verdict.type]) if verdict.compatible else ():
            console.print(f"  {file.name} was drafted: give it values that a reader recognises", markup=False)
    refused = [verdict for verdict in verdicts if not verdict.compatible]
    raise typer.Exit(1 if refused else 0)


def _result(verdict: Verdict) -> str:
    names = [change.rule for _, change in verdict.breaks]
    if verdict.outside:
        names.append("outside the dialect")
    if verdict.altered:
        names.append("a released version was altered")
    if verdict.disagreements:
        names.append("rules, checker and falsifier disagree")
    return ", ".join(dict.fromkeys(names)) or verdict.state


def _explain(verdict: Verdict) -> None:
    if verdict.passed:
        return
    console.print(f"\n[bold]{verdict.type}[/bold]")
    for number, change in verdict.breaks:
        rule = RULES[change.rule]
        console.print(f"  {change.rule} {escape(change.path)}, against version {number}: {rule.means}")
        console.print(f"    Instead: {rule.do}")
    for line in (*verdict.outside, *verdict.disagreements):
        console.print(f"  {line}", markup=False)
    for name in verdict.altered:
        console.print(f"  {name} is not what was recorded: put it back, a released version never changes")
    if verdict.state is State.GONE:
        console.print("  It was recorded and is no longer in the registry: consumers may still read it. Put it back.")
    elif verdict.compatible:
        _list_changes(verdict)
        console.print(f"  {verdict.state}: run `duaal contracts approve`")


def _list_changes(verdict: Verdict) -> None:
    for change in verdict.found:
        was_now = "" if change.was is change.now is None else f" ({change.was or '-'} → {change.now or '-'})"
        rule = RULES[change.rule]
        console.print(f"  {change.rule} {change.path}{was_now}: {rule.means} {rule.do}", markup=False)
    if verdict.state is State.NEW:
        console.print(f"  {EVENTS[verdict.type].__doc__}", markup=False)
