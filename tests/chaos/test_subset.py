"""The part of the matrix in every run of the tests; `make chaos` runs all of it."""

import os
from pathlib import Path

import pytest

from chassis.crash_points import POINTS
from deploy.local.stack import Stack
from tests.chaos.cells import CELLS
from tests.chaos.run import run_cell

SEED = int(os.environ.get("DUAAL_CHAOS_SEED", "1"))
SUBSET = (
    "kill-after-database-commit",
    "kill-relay-before-delete",
    "zombie-after-receive",
    "poison-delivered-again",
    "kill-during-redrive",
    "connections-cut",
    "rebalance",
)


@pytest.mark.parametrize("name", SUBSET)
async def test_every_guarantee_holds(name: str, chaos_stack: Stack, chaos_folder: Path) -> None:
    result = await run_cell(CELLS[name], chaos_stack, chaos_folder, SEED)
    assert result.held, "\n".join([result.verdict, *(f"{one.violation}: {one.detail}" for one in result.broken[:20])])


@pytest.mark.parametrize("point", POINTS)
def test_every_crash_point_has_a_cell(point: str) -> None:
    assert f"kill-{point.replace(' ', '-')}" in CELLS
