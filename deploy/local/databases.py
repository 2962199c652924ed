"""A database and a login role for each service, closed to all other services."""

import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg

from deploy.local.blocking import wait_for

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

# An advisory lock, because PostgreSQL cannot copy its template for two processes at the same time.
LOCK = 0x6475616C


def provision(admin_url: str, service: str, suffix: str = "") -> str:
    """Make the service's database and role, or bring them back in order; return the URL of the service."""
    wait_for(_provision(admin_url, _name(service, suffix)))
    return url_of(admin_url, service, suffix)


def url_of(admin_url: str, service: str, suffix: str = "") -> str:
    """Where the service connects, whether or not its database is there yet."""
    name = _name(service, suffix)
    admin = urlsplit(admin_url)
    address = admin.netloc.rpartition("@")[2]
    return admin._replace(netloc=f"{name}:{_password(admin_url, name)}@{address}", path=f"/{name}").geturl()


def drop(admin_url: str, service: str, suffix: str = "") -> None:
    """Remove the database, also while clients are connected, and the role."""
    wait_for(_drop(admin_url, _name(service, suffix)))


async def _provision(admin_url: str, name: str) -> None:
    async with _admin(admin_url) as admin:
        if not await admin.fetchval("select 1 from pg_roles where rolname = $1", name):
            await admin.execute(f'create role "{name}"')
        await admin.execute(f"alter role \"{name}\" login password '{_password(admin_url, name)}'")
        if not await admin.fetchval("select 1 from pg_database where datname = $1", name):
            await admin.execute(f'create database "{name}" owner "{name}"')
        # Without this every role of the server may connect to every database.
        await admin.execute(f'revoke all on database "{name}" from public')


async def _drop(admin_url: str, name: str) -> None:
    async with _admin(admin_url) as admin:
        await admin.execute(f'drop database if exists "{name}" with (force)')
        await admin.execute(f'drop role if exists "{name}"')


@asynccontextmanager
async def _admin(admin_url: str) -> AsyncIterator["Connection"]:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("select pg_advisory_lock($1)", LOCK)
        yield connection
    finally:
        await connection.close()


def _name(service: str, suffix: str) -> str:
    name = f"{service}_{suffix}" if suffix else service
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise ValueError(f"{name!r} cannot name a database: lower case letters, digits and _, at most 63.")
    return name


def _password(admin_url: str, name: str) -> str:
    """Derived from the admin's password instead of stored, so that it is the same after a restart."""
    secret = urlsplit(admin_url).password or admin_url
    return hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest()[:32]
