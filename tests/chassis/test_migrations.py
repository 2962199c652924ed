"""The migrations make the tables that the code describes."""

import asyncio
import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.persistence import migrate as migrating
from chassis.persistence.migrate import migrate
from chassis.persistence.tables import tables_of
from chassis.service import Service
from chassis.settings import Settings
from chassis.testing.eventually import eventually
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


ANOTHER = """
from alembic import op

revision, down_revision = "tally_0003", "tally_0001"


def upgrade() -> None:
    op.execute("alter table tallies add column colour text")
"""


async def test_a_migration_behind_a_backup_keeps_nobody_else_waiting(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "TRY_AGAIN_AFTER", 0.5)
    url, suffix = await databases.make(TALLY)
    newer = Path(shutil.copytree(TALLY.migrations, tmp_path / "migrations"))
    (newer / "tally_0003.py").write_text(ANOTHER)
    backup, service = await asyncpg.connect(url), await asyncpg.connect(url)
    reading = backup.transaction()
    await reading.start()
    await backup.execute("select from tallies")
    migration = asyncio.create_task(migrate(url, newer))
    await eventually(lambda: service.fetchval("select count(*) from pg_locks where not granted and relation > 0"))
    # This waits behind the migration, which waits behind the backup: until the migration gives way.
    assert await asyncio.wait_for(service.fetchval("select count(*) from tallies"), 60) == 0
    assert not migration.done()
    await reading.rollback()
    await migration
    assert await service.fetchval("select count(colour) from tallies") == 0
    await asyncio.gather(backup.close(), service.close())
    databases.drop(TALLY, suffix)
