"""Separate servers for these tests, because they are killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.conftest import empty


@pytest.fixture(scope="package")
def chaos_folder() -> Path:
    """Where the servers and processes of these tests live."""
    return empty("chaos")


@pytest.fixture(scope="package")
def chaos_stack(chaos_folder: Path) -> Iterator[Stack]:
    """Kafka and PostgreSQL, to be killed."""
    with Stack.start(chaos_folder) as stack:
        yield stack
