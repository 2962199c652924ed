"""`lag` and `replay`: where a service is on its topics."""

from typing import Annotated

import typer

from chassis.messaging.groups import lag_of, read_again
from chassis.operations import Built, DryRun, run, say


class GroupCommands:
    """`lag` and `replay`: where the service is on its topics."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def lag(self) -> None:
        """How far behind the end of each topic the service is."""
        service, settings = self._built()
        servers, login = settings.kafka_bootstrap_servers, settings.kafka_login
        lags = run(lag_of(servers, service.name, login, topics=service.topics))
        say(*(f"{one.records:>8}  {one.topic} ({one.committed} of {one.end})" for one in lags))

    def replay(
        self,
        topic: Annotated[list[str] | None, typer.Option(help="Only this topic; may be given more than once.")] = None,
        dry_run: DryRun = False,
    ) -> None:
        """Read topics again from their beginning; the inbox drops what was handled. Stop the service first."""
        service, settings = self._built()
        topics = topic or service.topics
        if foreign := set(topics) - set(service.topics):
            raise typer.BadParameter(f"{service.name} does not consume {', '.join(sorted(foreign))}")
        if dry_run:
            say(*(f"would read {name} again" for name in topics))
            return
        records = run(read_again(settings.kafka_bootstrap_servers, service.name, topics, settings.kafka_login))
        say(f"{records} records of {', '.join(topics)} will be read again; start {service.name}")
