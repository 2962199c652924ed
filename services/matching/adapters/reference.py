"""The weights of the criteria and the policy, from dated data."""

from pathlib import Path

from chassis.reference import read_rows
from services.matching.domain.rules import PolicyValue, Rulebook, Weight

REFERENCE = Path(__file__).parent.parent / "reference"


def read_rulebook() -> Rulebook:
    """The rulebook of `reference/`."""
    return Rulebook(read_rows(REFERENCE / "criteria.csv", Weight), read_rows(REFERENCE / "policy.csv", PolicyValue))
