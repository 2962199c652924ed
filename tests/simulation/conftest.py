"""What every simulation needs: the topics of the simulated service, and no logs."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from _pytest.terminal import TerminalReporter

from chassis.topics import TOPICS
from tests.chassis.tally import MANIFESTS
from tests.simulation.machines import LOOKED_AT
from tests.simulation.profiles import SEED


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


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print how much was tried, and the seed that repeats it."""
    if LOOKED_AT:
        numbers = ", ".join(f"{number:,} {what}" for what, number in LOOKED_AT.items())
        terminalreporter.write_line(f"simulation: {numbers}; SEED={SEED}")
