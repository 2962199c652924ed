"""The migrations make the tables that the code describes."""

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.persistence.migrate import migrate
from chassis.persistence.tables import tables_of
from chassis.service import Service
from chassis.settings import Settings
from deploy.services import SERVICES
from tests.chassis.tally import TALLY
from tests.conftest import Databases


def built(name: str) -> Service:
    """A service, made by its own `app.build`."""
    if name == TALLY.name:
        return TALLY
    build: Callable[[Settings], Service] = importlib.import_module(f"services.{name}.app").build
    (kind,) = (
        thing
        for thing in vars(importlib.import_module(f"services.{name}.settings")).values()
        if isinstance(thing, type) and issubclass(thing, Settings) and thing is not Settings
    )
    return build(kind(database_url="unused"))


@pytest.mark.parametrize("name", ["tally", *SERVICES])
async def test_the_migrated_tables_are_those_of_the_metadata(databases: Databases, name: str) -> None:
    service = built(name)
    url, suffix = await databases.make(service)
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences, service) == []
    await engine.dispose()
    databases.drop(service, suffix)


def _differences(connection: Connection, service: Service) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, tables_of(service.mappers)))


async def test_migrating_again_and_by_two_at_once_changes_nothing(databases: Databases) -> None:
    url, suffix = await databases.make(TALLY)
    await asyncio.gather(migrate(url, TALLY.migrations), migrate(url, TALLY.migrations))
    databases.drop(TALLY, suffix)
