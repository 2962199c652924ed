"""What holds on a day: the weights of the criteria, the policy on proposals, and where schools and workplaces lie."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from contracts.codelists.dated import Dated
from contracts.codelists.institutions import Institutions
from contracts.codelists.places import Places
from contracts.vocabulary import Criterion


@dataclass(frozen=True, slots=True)
class Weight(Dated):
    """How much a criterion counts. A row is never edited: a change is a new row with another first day."""

    criterion: Criterion
    weight: int
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class PolicyValue(Dated):
    """One number of the policy; `name` is a field of `Policy`."""

    name: str
    value: int
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers that the Steunpunt chose."""

    default_max_distance_km: int
    """For a search without a maximum distance."""
    max_proposals: int
    """Open proposals that a learner has at the same time, at most."""
    proposal_days: int
    """How long a proposal keeps its position free."""
    recognition_grace_days: int
    """For how long a workplace is proposed while the recognition of its company is not decided."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that holds on one day."""

    day: date
    weights: tuple[Weight, ...]
    policy: Policy
    institutions: Institutions
    places: Places

    @property
    def version(self) -> str:
        """The first day of these weights."""
        return max(weight.valid_from for weight in self.weights).isoformat()

    @property
    def proposals_expire_on(self) -> date:
        """The last day of a proposal that is made on this day."""
        return self.day + timedelta(days=self.policy.proposal_days)


class NoRules(LookupError):
    """The reference data have no weights for this day."""


class Rulebook:
    """The rules of every day."""

    def __init__(
        self, weights: Iterable[Weight], policy: Iterable[PolicyValue], institutions: Institutions, places: Places
    ) -> None:
        self._weights = tuple(weights)
        self._policy = tuple(policy)
        self._institutions, self._places = institutions, places

    def on(self, day: date) -> Rules:
        """The rules of one day.

        Raises:
            NoRules: no criterion has a weight on this day.
        """
        weights = tuple(weight for weight in self._weights if weight.valid_on(day))
        if not any(weight.weight for weight in weights):
            raise NoRules(f"no criterion has a weight on {day}")
        policy = Policy(**{row.name: row.value for row in self._policy if row.valid_on(day)})
        return Rules(day, weights, policy, self._institutions, self._places)
