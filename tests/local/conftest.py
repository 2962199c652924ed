"""Real servers for the tests of the stack itself: one stack, shared by tests that leave it as it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.stack import Stack


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="session")
def stack(directory: Path) -> Iterator[Stack]:
    with Stack.start(directory) as running:
        yield running
