"""Soft rules: yes-or-no questions about a learner's search and a workplace, never about who the learner is."""

from collections.abc import Callable, Mapping

from contracts.codelists.institutions import Institutions
from contracts.codelists.places import Places, distance_km
from contracts.matching import Reason
from contracts.vocabulary import Criterion
from services.matching.domain.learner_search import LearnerSearch
from services.matching.domain.match import Match
from services.matching.domain.rules import Rules
from services.matching.domain.workplace import Workplace

Answer = bool | None
"""None: one side did not say."""


def assess(search: LearnerSearch, workplace: Workplace, rules: Rules) -> Match:
    """How well the workplace suits the learner, criterion by criterion."""
    distance = distance_from_school(search.school, workplace.nis, rules.institutions, rules.places)
    within_reach = None if distance is None else distance <= _longest(search, rules)
    answers = {Criterion.DISTANCE: within_reach} | {
        criterion: ask(search, workplace) for criterion, ask in _QUESTIONS.items()
    }
    reasons = (_reason(weight.criterion, weight.weight, answers[weight.criterion]) for weight in rules.weights)
    return Match(workplace, tuple(reasons), distance)


def distance_from_school(school: str, nis: str, institutions: Institutions, places: Places) -> float | None:
    """Kilometres between the municipalities of school and workplace, to one decimal; None when one is not known."""
    provider, there = institutions.get(school), places.municipality(nis)
    here = places.municipality(provider.nis) if provider else None
    return round(distance_km(here, there), 1) if here and there else None


def _reason(criterion: Criterion, weight: int, answer: Answer) -> Reason:
    """An unanswered criterion counts as matched: a field left blank must not cost a learner a workplace."""
    return Reason(criterion=criterion, matched=answer is not False, known=answer is not None, weight=weight)


def _longest(search: LearnerSearch, rules: Rules) -> int:
    return search.max_distance_km or rules.policy.default_max_distance_km


def _public_transport(search: LearnerSearch, workplace: Workplace) -> Answer:
    return workplace.public_transport if search.needs_public_transport else None


def _days(search: LearnerSearch, workplace: Workplace) -> Answer:
    return set(search.days) <= set(workplace.days) if search.days and workplace.days else None


def _same_subregion(search: LearnerSearch, workplace: Workplace) -> Answer:
    return search.subregion is workplace.subregion if search.subregion and workplace.subregion else None


def _idle_company(_: LearnerSearch, workplace: Workplace) -> Answer:
    return None if workplace.had_learner_before is None else not workplace.had_learner_before


def _language(search: LearnerSearch, workplace: Workplace) -> Answer:
    return search.language in workplace.languages if search.language and workplace.languages else None


def _accessibility(search: LearnerSearch, workplace: Workplace) -> Answer:
    return workplace.accessible if search.needs_accessible_place else None


_QUESTIONS: Mapping[Criterion, Callable[[LearnerSearch, Workplace], Answer]] = {
    Criterion.PUBLIC_TRANSPORT: _public_transport,
    Criterion.DAYS: _days,
    Criterion.SAME_SUBREGION: _same_subregion,
    Criterion.IDLE_COMPANY: _idle_company,
    Criterion.LANGUAGE: _language,
    Criterion.ACCESSIBILITY: _accessibility,
}
