"""`outbox list|release|skip`: what the relay could not publish."""

import getpass
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from chassis.operations import Built, DryRun, run, say
from chassis.persistence.connection import open_pool
from chassis.persistence.held_records import Held, HeldRecords

T = TypeVar("T")
Position = Annotated[int, typer.Argument(help="Position of the record, as `list` shows it.")]


class OutboxCommands:
    """`outbox list|release|skip`: records that Kafka did not take."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def app(self) -> typer.Typer:
        """The commands."""
        app = typer.Typer(no_args_is_help=True, help="Records that could not be published.")
        app.command("list")(self.list_held)
        for command in (self.release, self.skip):
            app.command()(command)
        return app

    def list_held(self) -> None:
        """Every record that could not be sent, oldest first. It is tried again and again; its key waits behind it."""
        held = self._do(lambda records: records.all())
        say(*(_line(one) for one in held), f"{len(held)} could not be sent")

    def release(self, position: Position, dry_run: DryRun = False) -> None:
        """Try it at once, when what was in its way is gone."""

        async def try_at_once(records: HeldRecords) -> None:
            held = await records.find(position)
            if not dry_run:
                await records.release(held)
            say(f"{'would release' if dry_run else 'released'} {_line(held)}")

        self._do(try_at_once)

    def skip(
        self,
        position: Position,
        reason: Annotated[str, typer.Option(help="Why it need not be published.")],
        dry_run: DryRun = False,
    ) -> None:
        """Take it out for good, so that its key goes on. It is kept in skipped_records with who did it and why."""

        async def take_out(records: HeldRecords) -> None:
            held = await records.find(position)
            if not dry_run:
                await records.skip(held, reason)
            say(f"{'would skip' if dry_run else 'skipped'} {_line(held)}")

        self._do(take_out)

    def _do(self, action: Callable[[HeldRecords], Awaitable[T]]) -> T:
        async def inside() -> T:
            _, settings = self._built()
            async with await open_pool(settings.database_url, size=2) as pool:
                return await action(HeldRecords(pool, by=getpass.getuser()))

        return run(inside())


def _line(held: Held) -> str:
    key = f"{held.topic}  {held.aggregate_id} number {held.sequence}"
    return f"{held.position:>8}  {held.error:<26}{held.attempts} times  {key}, {held.behind} behind it"
