"""The command line of one service: `python -m services.<name> run|consume|relay|serve|migrate`, and operations."""

import sys
from collections.abc import Callable
from typing import Protocol, TypeVar

import typer
import uvloop

from chassis.messaging.dead_letter_limit import Halted
from chassis.observability import logs
from chassis.operations import Built
from chassis.operations.dead_letters import DeadLetterCommands
from chassis.operations.groups import GroupCommands
from chassis.operations.outbox import OutboxCommands
from chassis.operations.rebuild import RebuildCommands
from chassis.partners import InvalidManifest
from chassis.persistence.retention import UnsafeRetention
from chassis.process import ALL_ROLES, Role
from chassis.process import run as run_service
from chassis.schedules import InvalidSchedule
from chassis.service import Service
from chassis.settings import InvalidSettings, Settings

S = TypeVar("S", bound=Settings)


class CommandGroup(Protocol):
    """Commands under a name of their own."""

    def app(self) -> typer.Typer: ...


def command_line(
    settings_type: type[S], build: Callable[[S], Service], **own: Callable[[Built], CommandGroup]
) -> typer.Typer:
    """The commands of the service that `build` makes of its settings, and groups of its own by their names."""

    def built() -> tuple[Service, S]:
        try:
            settings = settings_type.read()
            return build(settings), settings
        except (InvalidSettings, InvalidManifest, InvalidSchedule) as error:
            sys.stderr.write(f"{error}\n")
            raise typer.Exit(2) from None

    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    roles, groups = RoleCommands(built), GroupCommands(built)
    for command in (roles.run, roles.consume, roles.relay, roles.serve, roles.migrate, groups.lag, groups.replay):
        app.command()(command)
    app.command()(RebuildCommands(built).rebuild)
    app.add_typer(DeadLetterCommands(built).app(), name="dead-letters")
    app.add_typer(OutboxCommands(built).app(), name="outbox")
    for name, commands in own.items():
        app.add_typer(commands(built).app(), name=name)
    return app


class RoleCommands:
    """`run`, its three roles apart, and `migrate`."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def run(self) -> None:
        """Consume, relay and serve in one process."""
        self._start(ALL_ROLES)

    def consume(self) -> None:
        """Handle events from Kafka."""
        self._start(frozenset({Role.CONSUME}))

    def relay(self) -> None:
        """Publish the outbox and perform second steps."""
        self._start(frozenset({Role.RELAY}))

    def serve(self) -> None:
        """Answer HTTP."""
        self._start(frozenset({Role.SERVE}))

    def migrate(self) -> None:
        """Bring the database to the newest version."""
        # Imported here: Alembic and an engine take half a second, which no service that starts should wait for.
        from chassis.persistence.migrate import migrate  # noqa: PLC0415

        service, settings = self._built()
        uvloop.run(migrate(settings.database_url, service.migrations))

    def _start(self, roles: frozenset[Role]) -> None:
        service, settings = self._built()
        logs.configure(service.name, settings.log_level)
        try:
            uvloop.run(run_service(service, settings, roles))
        except Halted as halted:
            sys.stderr.write(f"{service.name} halted: {halted}. Look at its dead letters before you start it again.\n")
            raise typer.Exit(3) from None
        except UnsafeRetention as error:
            sys.stderr.write(f"{error}\n")
            raise typer.Exit(2) from None
