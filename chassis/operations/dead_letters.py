"""What a person does to a service that has a problem: its dead letters, its outbox, its place on the topics."""

import asyncio
import getpass
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

import typer

from chassis.handling import handlers_of
from chassis.messaging.dead_letters import DeadLetter
from chassis.messaging.groups import GroupIsRunning, lag_of, read_again
from chassis.messaging.pipeline import Paused, Pipeline
from chassis.messaging.record import Outcome
from chassis.messaging.redrive import NotWaiting, Redrive
from chassis.messaging.store import PostgresStore
from chassis.messaging.topics import consumed_by
from chassis.observability.metrics import Metrics
from chassis.persistence.connection import open_pool
from chassis.persistence.repository import Repository
from chassis.service import Service, now
from chassis.settings import Settings

T = TypeVar("T")
Built = Callable[[], tuple[Service, Settings]]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")]
Letter = Annotated[str, typer.Argument(help="Id of the dead letter, or how it begins.")]


@asynccontextmanager
async def dead_letters_of(service: Service, settings: Settings) -> AsyncIterator[Redrive]:
    """The dead letters of a service, and its own pipeline to try them again with."""
    async with await open_pool(settings.database_url, size=2) as pool:
        store = PostgresStore(pool, service.name, [Repository(mapper) for mapper in service.mappers])
        pipeline = Pipeline(service.name, handlers_of(service.handlers), store, Metrics(), now=now)
        yield Redrive(pipeline, store, by=getpass.getuser())


class DeadLetterCommands:
    """`dead-letters list|show|redrive|discard`: records that were set aside."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def app(self) -> typer.Typer:
        """The commands."""
        app = typer.Typer(no_args_is_help=True, help="Records that were set aside.")
        app.command("list")(self.list_waiting)
        for command in (self.show, self.redrive, self.discard):
            app.command()(command)
        return app

    def list_waiting(self) -> None:
        """Every dead letter that waits, oldest first."""
        letters = self._do(lambda redrive: redrive.waiting())
        _say(*(_line(letter) for letter in letters), f"{len(letters)} wait")

    def show(self, letter: Letter) -> None:
        """One dead letter: what it is and why it was set aside. Its value is not shown: it may hold anything."""
        found = self._do(lambda redrive: redrive.find(letter))
        _say(_line(found), f"error     {found.error}", f"detail    {found.detail}", f"attempts  {found.attempts}")
        _say(*(f"header    {name}: {value!r}" for name, value in found.record.headers))
        _say(f"value     {'none' if found.record.value is None else f'{len(found.record.value)} bytes'}")

    def redrive(self, letter: Letter, dry_run: DryRun = False) -> None:
        """Try it again, and then what waits behind it, in order, as long as it goes well."""

        async def try_again(letters: Redrive) -> bool:
            found = await letters.find(letter)
            if dry_run:
                _say(*(f"would try {_line(one)}" for one in await letters.sequence(found)))
                return True
            done = await letters.redrive(found)
            _say(*(f"{one.outcome:<14}{_line(one.letter)}" for one in done))
            return all(one.outcome is not Outcome.DEAD_LETTERED for one in done)

        if not self._do(try_again):
            raise typer.Exit(1)

    def discard(self, letter: Letter, reason: Annotated[str, typer.Option(help="Why it is not needed.")]) -> None:
        """Close it without handling it. Who did it and why is kept."""

        async def close(letters: Redrive) -> None:
            found = await letters.find(letter)
            await letters.discard(found, reason)
            _say(f"discarded {_line(found)}")

        self._do(close)

    def _do(self, action: Callable[[Redrive], Awaitable[T]]) -> T:
        async def inside() -> T:
            async with dead_letters_of(*self._built()) as letters:
                return await action(letters)

        return _run(inside())


class GroupCommands:
    """`lag` and `replay`: where the service is on its topics."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def lag(self) -> None:
        """How far behind the end of each topic the service is."""
        service, settings = self._built()
        lags = _run(lag_of(settings.kafka_bootstrap_servers, service.name))
        _say(*(f"{one.records:>8}  {one.topic} ({one.committed} of {one.end})" for one in lags))

    def replay(
        self,
        topic: Annotated[list[str] | None, typer.Option(help="Only this topic; may be given more than once.")] = None,
        dry_run: DryRun = False,
    ) -> None:
        """Read topics again from their beginning; the inbox drops what was handled. Stop the service first."""
        service, settings = self._built()
        topics = topic or consumed_by(service.name)
        if foreign := set(topics) - set(consumed_by(service.name)):
            raise typer.BadParameter(f"{service.name} does not consume {', '.join(sorted(foreign))}")
        if dry_run:
            _say(*(f"would read {name} again" for name in topics))
            return
        records = _run(read_again(settings.kafka_bootstrap_servers, service.name, topics))
        _say(f"{records} records of {', '.join(topics)} will be read again; start {service.name}")


def _run(work: Awaitable[T]) -> T:
    async def inside() -> T:
        return await work

    try:
        return asyncio.run(inside())
    except (NotWaiting, GroupIsRunning, ValueError) as error:
        _complain(str(error))
    except Paused:
        _complain("the database or another dependency is down; nothing was changed")
    raise typer.Exit(1)


def _line(letter: DeadLetter) -> str:
    return f"{str(letter.id)[:8]}  {letter.reason:<17}{letter.record.place}  {letter.type or 'no type'}"


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _complain(line: str) -> None:
    sys.stderr.write(f"{line}\n")
