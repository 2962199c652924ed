"""The real servers that tests share: one stack per run, one database per test."""

import os
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import settings

from chassis.persistence.migrate import migrate
from chassis.service import Service
from deploy.local.databases import drop, provision
from deploy.local.stack import Stack

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / os.environ.get("DUAAL_TEST_FOLDER", ".local/test")
"""A second run at the same time needs another folder."""

_numbers = count(1)

# No deadline, because the machine is shared. Few examples, because every run tries other ones.
settings.register_profile("duaal", deadline=None, max_examples=40)
settings.load_profile("duaal")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Kafka, PostgreSQL and SMTP, shared by the whole run."""
    with Stack.start(FOLDER) as stack:
        yield stack


@pytest.fixture(scope="session")
def secured_stack() -> Iterator[Stack]:
    """The same, with a Kafka that requires logins and allows only what was granted."""
    with Stack.start(FOLDER / "secured", secure=True) as stack:
        yield stack


class Databases:
    """Makes migrated databases: migrates one template per service, and copies it."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._templates: dict[str, str] = {}

    async def make(self, service: Service) -> tuple[str, str]:
        """Make a database; returns its URL and the suffix of its name."""
        if service.name not in self._templates:
            await self._drop_leftovers(service)
            drop(self._admin_url, service.name, "template")
            url = provision(self._admin_url, service.name, "template")
            await migrate(url, service.migrations)
            self._templates[service.name] = urlsplit(url).path[1:]
        suffix = f"test{next(_numbers)}"
        drop(self._admin_url, service.name, suffix)
        name = f"{service.name}_{suffix}"
        admin = await asyncpg.connect(self._admin_url)
        template = self._templates[service.name]
        await admin.execute(f'create database "{name}" template "{template}" owner "{template}"')
        await admin.close()
        template_url = provision(self._admin_url, service.name, "template")
        return urlsplit(template_url)._replace(path=f"/{name}").geturl(), suffix

    async def _drop_leftovers(self, service: Service) -> None:
        """Drop databases of an interrupted run, which would prevent the template's role from being made again."""
        admin = await asyncpg.connect(self._admin_url)
        names = await admin.fetch("select datname from pg_database where datname ~ $1", f"^{service.name}_test[0-9]+$")
        await admin.close()
        for name in names:
            self.drop(service, name[0].removeprefix(f"{service.name}_"))

    def drop(self, service: Service, suffix: str) -> None:
        """Drop a database."""
        drop(self._admin_url, service.name, suffix)


@pytest.fixture(scope="session")
def databases(stack: Stack) -> Databases:
    """Makes the databases of tests."""
    return Databases(stack.postgres.admin_url)


@pytest.fixture
async def service_database(service: Service, databases: Databases) -> AsyncIterator[str]:
    """An empty, migrated database for the fixture `service` of the test module."""
    url, suffix = await databases.make(service)
    yield url
    databases.drop(service, suffix)
