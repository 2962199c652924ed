"""The real servers that tests share: one stack per run and process, one database per test. Each begins with nothing."""

import os
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from random import randrange
from urllib.parse import urlsplit

import asyncpg
import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import settings
from xdist.remote import Producer
from xdist.workermanage import WorkerController

from chassis.persistence.migrate import migrate
from chassis.service import Service
from deploy.local.databases import drop, provision
from deploy.local.platform import Platform
from deploy.local.stack import Stack
from tests.simulation.looked_at import LOOKED_AT
from tests.simulation.profiles import SEED
from tests.workers import InBundles, keep_to_own_ports, name_of_worker, rank_of

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / os.environ.get("DUAAL_TEST_FOLDER", ".local/test") / name_of_worker()
"""A second run at the same time needs a folder of its own; each process of one run has one."""
keep_to_own_ports()

_numbers = count(1)

# No deadline, because the machine is shared. Few examples, because every run tries other ones.
settings.register_profile("duaal", deadline=None, max_examples=40)
settings.load_profile("duaal")


def pytest_configure(config: pytest.Config) -> None:
    """Processes that share the tests have to find them in the same order, also those that are made from a set."""
    if config.getoption("numprocesses", None):
        os.environ.setdefault("PYTHONHASHSEED", str(randrange(2**32)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> InBundles:
    return InBundles(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if name_of_worker():
        items.sort(key=lambda item: rank_of(item.nodeid))


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)  # a run that a test starts is nobody's worker
    if output is not None:
        output["looked_at"] = dict(LOOKED_AT)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    LOOKED_AT.update(getattr(node, "workeroutput", {}).get("looked_at", {}))


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """How far the simulation looked, and how to look there again."""
    if LOOKED_AT:
        numbers = ", ".join(f"{number:,} {what}" for what, number in LOOKED_AT.items())
        terminalreporter.write_line(f"simulation: {numbers}; SEED={SEED}")


def empty(name: str) -> Path:
    """A folder for a stack or a platform: nothing of a former run is in it, nor runs there, however that run ended."""
    Platform.wipe(FOLDER / name)
    return FOLDER / name


@pytest.fixture(scope="session")
def folder() -> Path:
    """Where the servers that most tests share live."""
    return empty("open")


@pytest.fixture(scope="session")
def stack(folder: Path) -> Iterator[Stack]:
    """Kafka, PostgreSQL and SMTP, for the whole run."""
    with Stack.start(folder) as stack:
        yield stack


@pytest.fixture(scope="session")
def platform(stack: Stack, folder: Path) -> Iterator[Platform]:
    """All services as processes on it, with gateway and logins, for all journeys: with and without a browser."""
    with Platform(stack, folder).start() as platform:
        yield platform


@pytest.fixture(scope="session")
def secured_folder() -> Path:
    return empty("secured")


@pytest.fixture(scope="session")
def secured_stack(secured_folder: Path) -> Iterator[Stack]:
    """The same, with a Kafka that asks everybody for a login and allows only what was granted."""
    with Stack.start(secured_folder, secure=True) as stack:
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
