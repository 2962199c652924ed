"""Brings a service's database to the newest version: the chassis's migrations and the service's own."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

HERE = Path(__file__).parent


async def migrate(database_url: str, migrations: Path) -> None:
    """Upgrade to the heads of both branches. Two processes at once wait for each other."""
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.begin() as connection:
            await connection.execute(text("select pg_advisory_xact_lock(hashtextextended('migrate', 0))"))
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
