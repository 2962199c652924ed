"""What a person does to a service that has a problem: its dead letters, its outbox, its place on the topics."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from chassis.failures import Fault, explain, fault_of
from chassis.messaging.groups import GroupIsRunning, KafkaIsAway
from chassis.messaging.pipeline import Paused
from chassis.messaging.rebuild import CannotRebuild
from chassis.messaging.redrive import NotWaiting
from chassis.persistence.held_records import NotHeld
from chassis.service import Service
from chassis.settings import Settings

T = TypeVar("T")
Built = Callable[[], tuple[Service, Settings]]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")]


def run(work: Awaitable[T]) -> T:
    """Do it; what a person can do something about is one sentence and exit code 1."""

    async def inside() -> T:
        return await work

    try:
        return asyncio.run(inside())
    except (NotWaiting, NotHeld, GroupIsRunning, KafkaIsAway, CannotRebuild, ValueError) as error:
        complain(str(error))
    except Exception as error:
        if not isinstance(error, Paused) and fault_of(error) not in (Fault.DEPENDENCY, Fault.CONTENTION):
            raise
        complain(f"the database or another dependency does not answer ({explain(error)}); nothing was changed")
    raise typer.Exit(1)


def say(*lines: str) -> None:
    """To who asked."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def complain(line: str) -> None:
    """To who has to know that it did not work."""
    sys.stderr.write(f"{line}\n")
