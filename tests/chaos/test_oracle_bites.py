"""An oracle that finds nothing proves nothing: with a mechanism switched off, the cell that needs it must fail."""

from pathlib import Path

import pytest

from deploy.local.stack import Stack
from tests.chaos.cells import CELLS
from tests.chaos.oracle import Promise
from tests.chaos.run import run_cell
from tests.chaos.sabotage import SABOTAGES

BITES: dict[str, tuple[str, set[Promise]]] = {
    "no-inbox": ("duplicates", {Promise.DOUBLED}),
    "offset-before-database": ("kill-after-handler", {Promise.SKIPPED}),
    "publish-before-commit": ("kill-before-database-commit", {Promise.GHOST}),
    "relay-with-cursor": ("late-commit", {Promise.LOST, Promise.BEHIND}),
    "relay-without-lock": ("two-relays", {Promise.REPEATED}),
    "forget-before-sent": ("kill-relay-after-send", {Promise.LOST}),
    "express-unguarded": ("rebalance", {Promise.REPEATED}),
    "no-parking": ("poison", {Promise.MISCOUNTED}),
}
"""Which cell catches which sabotage, and the promises that it has to name."""

PATIENCE = 5.0
"""A broken build need not become quiet."""


def test_every_sabotage_has_a_cell_that_catches_it() -> None:
    assert BITES.keys() == SABOTAGES.keys()


@pytest.mark.parametrize("sabotage", BITES)
async def test_what_is_switched_off_is_missed(sabotage: str, chaos_stack: Stack, chaos_folder: Path) -> None:
    name, promises = BITES[sabotage]
    result = await run_cell(CELLS[name], chaos_stack, chaos_folder, 1, sabotage, retry_policy=PATIENCE)
    assert promises <= {broken.promise for broken in result.broken}, result.verdict
