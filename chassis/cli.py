"""The command line of one service: `python -m services.<name> run|consume|relay|serve|migrate`."""

import sys
from collections.abc import Callable
from typing import TypeVar

import typer
import uvloop

from chassis.messaging.failures import Halted
from chassis.observability import logs
from chassis.persistence.migrate import migrate as bring_up_to_date
from chassis.service import ALL_ROLES, Role, Service
from chassis.service import run as run_service
from chassis.settings import InvalidSettings, Settings

S = TypeVar("S", bound=Settings)


def command_line(settings_type: type[S], build: Callable[[S], Service]) -> typer.Typer:
    """The commands of the service that `build` makes of its settings."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    def start(roles: frozenset[Role]) -> None:
        settings = _read(settings_type)
        service = build(settings)
        logs.configure(service.name, settings.log_level)
        try:
            uvloop.run(run_service(service, settings, roles))
        except Halted as halted:
            sys.stderr.write(f"{service.name} halted: {halted}. Look at its dead letters before you start it again.\n")
            raise typer.Exit(3) from None

    @app.command()
    def run() -> None:
        """Consume, relay and serve in one process."""
        start(ALL_ROLES)

    @app.command()
    def consume() -> None:
        """Handle events from Kafka."""
        start(frozenset({Role.CONSUME}))

    @app.command()
    def relay() -> None:
        """Publish the outbox and perform second steps."""
        start(frozenset({Role.RELAY}))

    @app.command()
    def serve() -> None:
        """Answer HTTP."""
        start(frozenset({Role.SERVE}))

    @app.command()
    def migrate() -> None:
        """Bring the database to the newest version."""
        settings = _read(settings_type)
        uvloop.run(bring_up_to_date(settings.database_url, build(settings).migrations))

    return app


def _read(settings_type: type[S]) -> S:
    try:
        return settings_type.read()
    except InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from None
