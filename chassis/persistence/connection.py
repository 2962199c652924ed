"""Connections to the service's own database, on which the hot path speaks asyncpg without layers in between."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection | PoolConnectionProxy
    Pool = asyncpg.Pool

T = TypeVar("T")


async def open_pool(url: str, *, size: int) -> Pool:
    """A pool of at most `size` connections. No statement may hang for ever, and no transaction may be left open."""
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        command_timeout=60,
        reset=_nothing,
        server_settings={"idle_in_transaction_session_timeout": "60000", "application_name": "duaal"},
    )


@asynccontextmanager
async def overlapping(statement: Coroutine[Any, Any, T]) -> AsyncIterator["asyncio.Task[T]"]:
    """Send a statement, run the block while PostgreSQL works on it, then wait for its end. The block may not await."""
    sent = asyncio.create_task(statement)
    try:
        await asyncio.sleep(0)
        yield sent
    finally:
        await sent


async def _nothing(_: object) -> None:
    """A connection comes back as it went out: nobody sets anything that outlives the transaction, so there is nothing
    to reset, and it would be one more statement per transaction.
    """
