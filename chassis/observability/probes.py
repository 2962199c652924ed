"""Asks what a process depends on whether it answers, apart from whatever else the process does."""

import asyncio
from contextlib import suppress

import structlog

from chassis.observability.health import Health
from chassis.persistence.connection import Pool

log = structlog.get_logger("probes")

EVERY = 2.0
ANSWERS_WITHIN = 3.0


class DatabaseProbe:
    """Is the database there, and is there a connection left to ask it?"""

    def __init__(self, pool: Pool, health: Health) -> None:
        self._pool = pool
        self._health = health
        health.expect("database")

    async def run(self, stop: asyncio.Event) -> None:
        """Ask every few seconds until told to stop."""
        while not stop.is_set():
            await self.ask()
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await stop.wait()

    async def ask(self) -> None:
        """Ask once."""
        try:
            async with asyncio.timeout(ANSWERS_WITHIN):
                await self._pool.fetchval("select 1")
        except Exception as error:
            self._health.lost("database")
            log.warning("the database does not answer", error=type(error).__name__)
        else:
            self._health.found("database")
