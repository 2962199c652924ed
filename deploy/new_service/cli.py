"""`duaal new`: the files of something new, which run and are tested before anybody has changed them."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.platform import PARTNERS
from deploy.local.stack import StackError
from deploy.new_service.names import RefusedName, check_aggregate, check_service
from deploy.new_service.rendering import rendered, with_topics
from deploy.services import ROOT

new = typer.Typer(no_args_is_help=True, help="Begin something new, which runs and is tested from the first minute.")


@new.command()
def service(
    name: Annotated[str, typer.Argument(help="Lower-case letters, as `mentoring`.")],
    aggregate: Annotated[str, typer.Option(help="One of the things that it keeps, as `training`.")] = "entry",
) -> None:
    """Make a service with an aggregate, a command over HTTP, an event, topics, a table and tests."""
    try:
        check_service(name)
        check_aggregate(aggregate)
    except RefusedName as refused:
        raise StackError(str(refused)) from None
    files = rendered(name, aggregate)
    if there := [path for path in files if (ROOT / path).exists()]:
        raise StackError(f"{there[0]} is there already: remove it, or choose another name.")
    _write(files)
    # The Steunpunt's own dashboards read all that is told.
    dashboards = PARTNERS / "dashboards.yaml"
    topics = [path.stem for path in files if path.suffix == ".yaml"]
    dashboards.write_text(with_topics(dashboards.read_text(), topics))
    # The order of imports and the length of lines depend on the names.
    code = [str(path) for path in files if path.suffix == ".py"]
    _run("ruff", "check", "--quiet", "--select", "I", "--fix", *code)
    _run("ruff", "format", "--quiet", *code)
    # By processes of their own: this one has read the contracts as they were.
    _run("deploy.cli", "contracts", "approve")
    _run("deploy.asyncapi")
    typer.echo(f"\n{name} is there: services/{name}, contracts/{name}.py, its topics and its tests.")
    typer.echo("docs/how-to/add-a-service.md says what comes next.")


def _write(files: dict[Path, str]) -> None:
    for path, text in files.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")


def _run(*module_and_arguments: str) -> None:
    subprocess.run([sys.executable, "-m", *module_and_arguments], cwd=ROOT, check=True)
