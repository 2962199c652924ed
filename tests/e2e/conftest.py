"""All services as processes on real Kafka, PostgreSQL and SMTP."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from deploy.local.platform import Platform
from deploy.local.stack import Stack
from tests.conftest import FOLDER


@pytest.fixture(scope="session")
def platform(stack: Stack) -> Iterator[Platform]:
    """The platform, for all journeys."""
    with Platform(stack, FOLDER).start() as platform:
        yield platform


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """A client as a form or a partner would have."""
    async with httpx.AsyncClient(timeout=15) as client:
        yield client
