"""The weights and the policy of a day."""

from datetime import date

import pytest

from contracts.vocabulary import Criterion
from services.matching.domain.rules import NoRules, PolicyValue, Rulebook, Weight
from tests.builders import MONDAY
from tests.unit.matching.rulebook import INSTITUTIONS, PLACES, RULEBOOK

FIRST, CHANGE = date(2026, 9, 1), date(2027, 9, 1)
POLICY = [
    PolicyValue(name, value, FIRST, None)
    for name, value in {
        "default_max_distance_km": 15,
        "max_proposals": 3,
        "proposal_days": 14,
        "recognition_grace_days": 30,
    }.items()
]


def a_rulebook(weights: list[Weight], policy: list[PolicyValue]) -> Rulebook:
    return Rulebook(weights, policy, INSTITUTIONS, PLACES)


def test_every_criterion_weighs_something_today() -> None:
    weights = {weight.criterion: weight.weight for weight in RULEBOOK.on(MONDAY).weights}
    assert weights.keys() == set(Criterion) - {Criterion.UNKNOWN}
    assert all(weight in range(1, 101) for weight in weights.values())


def test_the_policy_of_today_is_that_of_the_reference_data() -> None:
    rules = RULEBOOK.on(MONDAY)
    assert (rules.policy.max_proposals, rules.policy.default_max_distance_km) == (3, 15)
    assert rules.proposals_expire_on == date(2026, 12, 7)


@pytest.mark.parametrize(
    ("day", "weight", "version"),
    [(date(2027, 8, 31), 1, "2026-09-01"), (CHANGE, 5, "2027-09-01")],
)
def test_the_weights_of_the_day_decide_and_name_their_version(day: date, weight: int, version: str) -> None:
    old = Weight(Criterion.DISTANCE, 1, FIRST, date(2027, 8, 31))
    new = Weight(Criterion.DISTANCE, 5, CHANGE, None)
    rules = a_rulebook([old, new], POLICY).on(day)
    assert ([row.weight for row in rules.weights], rules.version) == ([weight], version)


def test_the_version_is_that_of_the_last_weight_that_changed() -> None:
    older, newer = Weight(Criterion.DAYS, 1, FIRST, None), Weight(Criterion.DISTANCE, 5, CHANGE, None)
    assert a_rulebook([newer, older], POLICY).on(CHANGE).version == "2027-09-01"


def test_the_policy_of_the_day_decides() -> None:
    weight = Weight(Criterion.DISTANCE, 1, FIRST, None)
    old = PolicyValue("max_proposals", 3, FIRST, date(2027, 8, 31))
    new = PolicyValue("max_proposals", 5, CHANGE, None)
    rulebook = a_rulebook([weight], [row for row in POLICY if row.name != "max_proposals"] + [old, new])
    assert rulebook.on(CHANGE).policy.max_proposals == 5


def test_a_day_on_which_nothing_weighs_is_an_error() -> None:
    with pytest.raises(NoRules):
        a_rulebook([Weight(Criterion.DISTANCE, 0, FIRST, None)], POLICY).on(CHANGE)
    with pytest.raises(NoRules):
        RULEBOOK.on(date(2000, 1, 1))
