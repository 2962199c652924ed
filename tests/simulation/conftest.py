"""What every simulation needs: the topics of the simulated service, and no logs."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from chassis.topics import TOPICS
from tests.chassis.tally import MANIFESTS


@pytest.fixture(scope="package", autouse=True)
def _topics_of_tally() -> Iterator[None]:
    TOPICS.update(MANIFESTS)
    yield
    for name in MANIFESTS:
        del TOPICS[name]


@pytest.fixture(autouse=True)
def _no_logs() -> Iterator[None]:
    """No logs: thousands of processes fail on purpose."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()
