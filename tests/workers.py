"""Who runs which tests, where several processes share them (`pytest -n 3`, as `make test` does).

Each process has servers, folders and ports of its own, and takes one bundle of tests after the other. What needs a
server that takes seconds to start is one bundle; what needs none is handed out file by file, or one by one where one
test takes long. The longest bundles come first, so that the short ones fill up the end.
"""

import os

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from deploy.local import ports

BUNDLES = (
    "tests/e2e/",
    "tests/local/test_stack.py",
    "tests/chassis/",
    "tests/chaos/test_oracle_bites.py",
    "tests/chaos/",
    "tests/local/",
    "tests/component/",
    "tests/interop/",
)
"""By how the ids of their tests begin; the longest ones first."""
SHARES_A_PLATFORM = ("tests/browser/", "tests/e2e/")
"""What is done with a browser goes on with the platform of the other journeys: no second one is started."""
ONE_BY_ONE = "tests/simulation/"
MOST = 16
"""Processes that keep out of each other's ports."""


def bundle_of(test: str) -> str:
    """The bundle of a test, by its id."""
    test = test.replace(*SHARES_A_PLATFORM, 1)
    if test.startswith(ONE_BY_ONE):
        return test
    return next((bundle for bundle in BUNDLES if test.startswith(bundle)), test.partition("::")[0])


def rank_of(test: str) -> int:
    """When its turn is."""
    beginnings = (*BUNDLES, ONE_BY_ONE)
    test = test.replace(*SHARES_A_PLATFORM, 1)
    return next((rank for rank, beginning in enumerate(beginnings) if test.startswith(beginning)), len(beginnings))


class InBundles(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out bundles in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: Producer | None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return bundle_of(nodeid)


def name_of_worker() -> str:
    """Of this process; empty where one process runs all tests."""
    return os.environ.get("PYTEST_XDIST_WORKER", "")


def keep_to_own_ports() -> None:
    """Two processes that choose a port at the same moment do not choose the same one."""
    if name := name_of_worker():
        ports.CANDIDATES = ports.CANDIDATES[int(name.removeprefix("gw")) % MOST :: MOST]
