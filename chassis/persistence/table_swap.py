"""A table that is filled beside the one that is there, and then takes its place in one transaction."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from asyncpg import LockNotAvailableError

from chassis.persistence.connection import Connection
from chassis.persistence.mapper import Index, Mapper

log = structlog.get_logger("table swap")

LOCK_TIMEOUT = 2.0
"""Seconds that it waits for the lock. Whatever needs the same table meanwhile waits behind it, so it gives up and tries
again later, for instance when a backup has ended."""
TRY_AGAIN_AFTER = 5.0


class TableSwap:
    """The table of a mapper, and the one that comes: `new` is its mapper."""

    def __init__(self, connection: Connection, old: Mapper[Any]) -> None:
        self._connection = connection
        self._old = old
        self.new = Mapper(old.kind, _new(old.table), *(one._replace(name=_new(one.name)) for one in old.indexes))

    async def make(self) -> None:
        """Make the new table, empty; what an interrupted run left of it is dropped."""
        table = self.new.table
        columns = [f'"{one.name}" {one.cast}{"" if one.nullable else " not null"}' for one in self.new.fields]
        statements = [
            f"drop table if exists {table}",
            f"create table {table} ({', '.join(columns)}, primary key (id))",
            *(_create(index, table) for index in self.new.indexes),
        ]
        await self._connection.execute("; ".join(statements))

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """A transaction in which nobody else reads or writes the old table. At its end the lock is given back."""
        await self._connection.execute(f"analyze {self.new.table}")
        async with self._connection.transaction():
            while not await self._lock():
                log.warning("another transaction holds a lock", table=self._old.table, again_in=TRY_AGAIN_AFTER)
                await asyncio.sleep(TRY_AGAIN_AFTER)
            yield

    async def _lock(self) -> bool:
        try:
            async with self._connection.transaction():
                await self._connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}s'")
                # Exclusive to readers too: who has read and then writes would otherwise wait for us, and we for them.
                await self._connection.execute(f"lock table {self._old.table} in access exclusive mode")
        except LockNotAvailableError:
            return False
        return True

    async def take_over(self) -> int:
        """Rows that only the old table has are in the new one, too; returns how many these are."""
        columns = ", ".join(f'"{one.name}"' for one in self.new.fields)
        tag = await self._connection.execute(
            f"insert into {self.new.table} ({columns}) select {columns} from {self._old.table} o "
            f"where not exists (select from {self.new.table} n where n.id = o.id)"
        )
        return int(tag.rpartition(" ")[2])

    async def swap(self) -> None:
        """The new table takes the place and the names of the old one, which is dropped.

        PostgreSQL looks names up again after it has waited for a lock: a statement that waits goes to the new table.
        """
        indexes = [f"{self._old.table}_pkey", *(index.name for index in self._old.indexes)]
        statements = [
            f"drop table {self._old.table}",
            f"alter table {self.new.table} rename to {self._old.table}",
            f"alter index {self.new.table}_pkey rename to {indexes[0]}",
            *(f"alter index {_new(name)} rename to {name}" for name in indexes[1:]),
        ]
        await self._connection.execute("; ".join(statements))


def _new(name: str) -> str:
    return f"{name}_rebuilt"


def _create(index: Index, table: str) -> str:
    columns = ", ".join(f'"{name}"' for name in index.columns)
    unique, where = "unique " if index.unique else "", f" where {index.where}" if index.where else ""
    return f"create {unique}index {index.name} on {table} ({columns}){where}"
