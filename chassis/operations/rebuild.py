"""`rebuild`: make a projection again from its topic."""

import time
from typing import Annotated, Any

import typer

from chassis.messaging.rebuild import Rebuild, Rebuilt
from chassis.operations import Built, run, say
from chassis.persistence.connection import open_pool
from chassis.persistence.mapper import Mapper
from chassis.process import collect_seldom
from chassis.projections import Projection
from chassis.service import Service
from chassis.settings import Settings


class RebuildCommands:
    """`rebuild`: make a projection again from its topic."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def rebuild(self, projection: Annotated[str, typer.Argument(help="The name of its table.")]) -> None:
        """Make a projection again from its topic, and swap it in. The service may go on meanwhile."""
        service, settings = self._built()
        mappers = {mapper.kind: mapper for mapper in service.mappers}
        tables = {mappers[one.kind].table: one for one in service.projections}
        if projection not in tables:
            known = ", ".join(sorted(tables)) or "none"
            raise typer.BadParameter(f"{service.name} has no projection {projection}; there is: {known}")
        chosen, began = tables[projection], time.monotonic()
        collect_seldom()
        done = run(_rebuild(service, settings, chosen, mappers[chosen.kind]))
        say(*_lines(projection, chosen.topic, done, time.monotonic() - began))


async def _rebuild(service: Service, settings: Settings, projection: Projection[Any], mapper: Mapper[Any]) -> Rebuilt:
    async with await open_pool(settings.database_url, size=1) as pool:
        servers, login = settings.kafka_bootstrap_servers, settings.kafka_login
        return await Rebuild(service.name, projection, mapper, pool, servers, login).run()


def _lines(table: str, topic: str, done: Rebuilt, seconds: float) -> list[str]:
    """What a person wants to know of it."""
    notes = {
        "records are not in it, because they were set aside": done.set_aside,
        "records are not in it, because they cannot be read": done.unreadable,
        "rows were taken over as they were, because Kafka no longer has their events": done.taken_over,
    }
    made = f"{table}: {done.rows} rows from {done.events} events of {topic}, in {seconds:.1f} s"
    return [made, *(f"{number} {what}" for what, number in notes.items() if number)]
