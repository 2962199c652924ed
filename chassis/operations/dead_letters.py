"""`dead-letters list|show|redrive|discard`: records that were set aside."""

import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

import typer

from chassis.execution import Executor
from chassis.messaging.pipeline import Pipeline
from chassis.messaging.redrive import Redrive
from chassis.observability.metrics import Metrics
from chassis.operations import Built, DryRun, run, say
from chassis.persistence.connection import open_pool
from chassis.persistence.dead_letters import DeadLetter
from chassis.persistence.store import PostgresStore
from chassis.process import now
from chassis.record import Outcome
from chassis.service import Service
from chassis.settings import Settings

T = TypeVar("T")
Letter = Annotated[str, typer.Argument(help="Id of the dead letter, or how it begins.")]


@asynccontextmanager
async def dead_letters_of(service: Service, settings: Settings) -> AsyncIterator[Redrive]:
    """The dead letters of a service, and its own pipeline to try them again with."""
    async with await open_pool(settings.database_url, size=2) as pool:
        store = PostgresStore(pool, service.name, service.repositories)
        executor = Executor(service.name, store, now=now)
        pipeline = Pipeline(
            service.name,
            service.handlers_by_message,
            store,
            executor,
            Metrics(),
            now=now,
            partner_gateway=service.partner_gateway,
        )
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
        say(*(_line(letter) for letter in letters), f"{len(letters)} wait")

    def show(self, letter: Letter) -> None:
        """One dead letter: what it is and why it was set aside. Its value is not shown: it may hold anything."""
        found = self._do(lambda redrive: redrive.find(letter))
        say(_line(found), f"error     {found.error}", f"detail    {found.detail}", f"attempts  {found.attempts}")
        say(*(f"header    {name}: {value!r}" for name, value in found.record.headers))
        say(f"value     {'none' if found.record.value is None else f'{len(found.record.value)} bytes'}")

    def redrive(self, letter: Letter, dry_run: DryRun = False) -> None:
        """Try it again, and then what waits behind it, in order, as long as it goes well."""

        async def try_again(letters: Redrive) -> bool:
            found = await letters.find(letter)
            if dry_run:
                say(*(f"would try {_line(one)}" for one in await letters.sequence(found)))
                return True
            done = await letters.redrive(found)
            say(*(f"{one.outcome:<14}{_line(one.letter)}" for one in done))
            return all(one.outcome is not Outcome.DEAD_LETTERED for one in done)

        if not self._do(try_again):
            raise typer.Exit(1)

    def discard(
        self,
        letter: Letter,
        reason: Annotated[str, typer.Option(help="Why it is not needed.")],
        dry_run: DryRun = False,
    ) -> None:
        """Close it without handling it. Who did it and why is kept."""

        async def close(letters: Redrive) -> None:
            found = await letters.find(letter)
            if dry_run:
                say(f"would discard {_line(found)}")
                return
            await letters.discard(found, reason)
            say(f"discarded {_line(found)}")

        self._do(close)

    def _do(self, action: Callable[[Redrive], Awaitable[T]]) -> T:
        async def inside() -> T:
            async with dead_letters_of(*self._built()) as letters:
                return await action(letters)

        return run(inside())


def _line(letter: DeadLetter) -> str:
    return f"{str(letter.id)[:8]}  {letter.reason:<17}{letter.record.place}  {letter.type or 'no type'}"
