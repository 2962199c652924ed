"""One service at a time, on a real PostgreSQL; the fixture `service` of a test module chooses it."""

from collections.abc import AsyncIterator

import pytest

from chassis.service import Service
from chassis.testing.harness import ServiceUnderTest


@pytest.fixture
async def under_test(service: Service, service_database: str) -> AsyncIterator[ServiceUnderTest]:
    """The service, ready for events and commands."""
    async with ServiceUnderTest.on(service, service_database) as under_test:
        yield under_test
