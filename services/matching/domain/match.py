"""What a match is: a workplace, why it suits the learner, and which of two suits better."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from math import inf
from uuid import UUID

from contracts.matching import Reason
from contracts.vocabulary import Recognition
from services.matching.domain.workplace import Workplace


def score(reasons: Iterable[Reason]) -> int:
    """Share of the weights that matched, in per cent."""
    weights = [(reason.weight, reason.matched) for reason in reasons]
    return round(100 * sum(weight for weight, matched in weights if matched) / sum(weight for weight, _ in weights))


@dataclass(frozen=True, slots=True)
class Match:
    """A workplace, as one learner sees it."""

    workplace: Workplace
    reasons: tuple[Reason, ...]
    distance_km: float | None

    @property
    def score(self) -> int:
        """How well it suits, in per cent."""
        return score(self.reasons)

    @property
    def recognition_pending(self) -> bool:
        """Is the recognition of the company not decided yet?"""
        return self.workplace.recognition is Recognition.AANGEVRAAGD

    @property
    def rank(self) -> tuple[int, float, date, UUID]:
        """Best first: higher score, then nearer, then registered earlier."""
        distance = inf if self.distance_km is None else self.distance_km
        return -self.score, distance, self.workplace.registered_on, self.workplace.id
