"""The oracle can fail: with a mechanism switched off, the cell that needs it has to report a violation."""

from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.chaos.cells import CELLS
from tests.chaos.oracle import Violation
from tests.chaos.run import run_cell
from tests.chaos.sabotage import SABOTAGES

BITES: dict[str, tuple[str, set[Violation]]] = {
    "no-inbox": ("duplicates", {Violation.DOUBLED}),
    "offset-before-database": ("kill-after-handler", {Violation.SKIPPED}),
    "publish-before-commit": ("kill-before-database-commit", {Violation.GHOST}),
    "relay-with-cursor": ("late-commit", {Violation.LOST, Violation.BEHIND}),
    "relay-without-lock": ("two-relays", {Violation.REPEATED}),
    "delete-before-sent": ("kill-relay-after-send", {Violation.LOST}),
    "relay-skips-nothing": ("rebalance", {Violation.REPEATED}),
    "no-parking": ("poison", {Violation.MISCOUNTED}),
}
"""The cell that catches each sabotage, and the violations that it has to report."""

QUIET_WITHIN = 5.0
"""Seconds without any change. A build that is broken on purpose may never become quiet, so the wait is short."""


def test_every_sabotage_has_a_cell_that_catches_it() -> None:
    assert BITES.keys() == SABOTAGES.keys()


@pytest.mark.parametrize("sabotage", BITES)
async def test_what_is_switched_off_is_missed(sabotage: str, chaos_stack: Stack, chaos_folder: Path) -> None:
    name, violations = BITES[sabotage]
    result = await run_cell(CELLS[name], chaos_stack, chaos_folder, 1, sabotage, quiet_within=QUIET_WITHIN)
    assert violations <= {broken.violation for broken in result.broken}, result.verdict
