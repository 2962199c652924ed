"""The weights of the criteria and the policy, from dated data."""

from pathlib import Path

from chassis.reference import read_rows
from contracts.codelists.institutions import Institutions
from contracts.codelists.places import Places
from services.matching.domain.rules import PolicyValue, Rulebook, Weight

REFERENCE = Path(__file__).parent.parent / "reference"


def read_rulebook(institutions: Institutions, places: Places) -> Rulebook:
    """The rulebook of `reference/`."""
    weights = read_rows(REFERENCE / "criteria.csv", Weight)
    policy = read_rows(REFERENCE / "policy.csv", PolicyValue)
    return Rulebook(weights, policy, institutions, places)
