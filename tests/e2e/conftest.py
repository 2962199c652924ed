"""All services as processes on real Kafka, PostgreSQL and SMTP."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from deploy.local.platform import Platform
from deploy.local.stack import Stack
from tests.conftest import FOLDER


@pytest.fixture(scope="session")
def platform(stack: Stack) -> Iterator[Platform]:
    """The platform, shared by all journeys."""
    with Platform(stack, FOLDER).start() as platform:
        yield platform


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client, as a form or a partner has."""
    async with httpx.AsyncClient(timeout=15) as client:
        yield client
