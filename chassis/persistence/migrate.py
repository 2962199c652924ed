"""Brings a service's database to the newest version: the chassis's migrations and the service's own."""

import asyncio
import time
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

log = structlog.get_logger("migrate")

HERE = Path(__file__).parent
LOCK_NOT_AVAILABLE = "55P03"


LOCK_TIMEOUT = 2.0
"""Seconds that a migration waits for a lock. Whatever needs the same table meanwhile waits behind it, so it gives up
and tries again later, for instance when a backup has ended."""
TRY_AGAIN_AFTER = 5.0
GIVE_UP_AFTER = 600.0


async def migrate(database_url: str, migrations: Path) -> None:
    """Upgrade to the heads of both branches. Two processes at once wait for each other.

    Raises:
        sqlalchemy.exc.DBAPIError: a lock was not to be had within ten minutes, or something else is wrong.
    """
    deadline = time.monotonic() + GIVE_UP_AFTER
    while True:
        try:
            return await _migrate(database_url, migrations)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE or time.monotonic() > deadline:
                raise
            log.warning("migration waits: another transaction holds a lock", again_in=TRY_AGAIN_AFTER)
            await asyncio.sleep(TRY_AGAIN_AFTER)


async def _migrate(database_url: str, migrations: Path) -> None:
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("select pg_advisory_xact_lock(hashtextextended('migrate', 0))"))
            await connection.execute(text(f"set local lock_timeout = '{LOCK_TIMEOUT}s'"))
            await connection.run_sync(_upgrade, migrations)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, migrations: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(HERE / "alembic"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{HERE / 'migrations'}\n{migrations}")
    config.attributes["connection"] = connection
    command.upgrade(config, "heads")
