"""One leader per service: the process that holds an advisory lock, on a connection of its own."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import asyncpg

from chassis.persistence.outbox import PostgresOutbox
from chassis.persistence.timers import PostgresTimers, WaitingTimer


class Leadership:
    """The right to publish. PostgreSQL takes it back as soon as the connection is gone."""

    _TRY = "select pg_try_advisory_lock(hashtextextended($1, 0))"

    def __init__(self, database_url: str, name: str) -> None:
        self._url = database_url
        self._name = name
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._held = False

    async def outbox(self) -> PostgresOutbox | None:
        """The outbox, for who leads; None while another process does.

        It works on the very connection that holds the lock: an answer is the proof that the lock is still ours.

        Raises:
            OSError, asyncpg.PostgresError: the database cannot be reached.
        """
        if self._connection is None or self._connection.is_closed():
            self._held = False
            self._connection = await asyncpg.connect(
                self._url,
                command_timeout=10,
                server_settings={
                    # Nobody has to wait for the disk. Should PostgreSQL forget in a crash what this connection did
                    # last, an event is sent a second time, a timer fires again with the same id, and a hold is noted
                    # again.
                    "synchronous_commit": "off",
                    # Otherwise PostgreSQL keeps the plan that it made when the outbox was empty, and reads through all
                    # rows that were deleted since the last vacuum, every round.
                    "enable_seqscan": "off",
                },
            )
        if not self._held:
            self._held = bool(await self._connection.fetchval(self._TRY, self._name))
        return PostgresOutbox(self._connection) if self._held else None

    async def set_timers(self, timers: Sequence[WaitingTimer]) -> None:
        """For the leader: fire these when they are due."""
        if self._connection:
            await PostgresTimers(self._connection).set(timers)

    async def fire_timers(self, now: datetime, limit: int) -> int:
        """For the leader: move due timers to the outbox; returns how many that were."""
        return await PostgresTimers(self._connection).fire(now, limit) if self._connection else 0

    async def release(self) -> None:
        """Let another process lead."""
        self._held = False
        connection, self._connection = self._connection, None
        if connection and not connection.is_closed():
            # A connection that cannot even be closed has lost the lead already.
            with suppress(Exception):
                await connection.close()
