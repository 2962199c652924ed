"""Hard rules: why a workplace cannot be proposed to a learner on a day, however well it would suit."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum

from contracts.vocabulary import Recognition
from services.matching.domain.learner_search import LearnerSearch
from services.matching.domain.rules import Rules
from services.matching.domain.workplace import Workplace


class Obstacle(StrEnum):
    """One reason why a workplace cannot be proposed."""

    OTHER_PROGRAMME = "OTHER_PROGRAMME"
    NO_FREE_POSITION = "NO_FREE_POSITION"
    WORKPLACE_EXPIRED = "WORKPLACE_EXPIRED"
    """nobody confirmed that the workplace is still there"""
    NOT_RECOGNISED = "NOT_RECOGNISED"
    OUTSIDE_THE_PROVINCE = "OUTSIDE_THE_PROVINCE"
    """no municipality of the code list: a workplace across the border cannot be recognised"""
    NO_COMMON_DAY = "NO_COMMON_DAY"
    PROPOSED_ALREADY = "PROPOSED_ALREADY"
    ENOUGH_PROPOSALS = "ENOUGH_PROPOSALS"


def obstacles(search: LearnerSearch, workplace: Workplace, rules: Rules) -> list[Obstacle]:
    """Every reason why this workplace cannot be proposed to this learner; empty when it can."""
    return [obstacle for obstacle, stands in _OBSTACLES.items() if stands(search, workplace, rules)]


def can_be_proposed(search: LearnerSearch, workplace: Workplace, rules: Rules) -> bool:
    """Is there no obstacle?"""
    return not any(stands(search, workplace, rules) for stands in _OBSTACLES.values())


def _other_programme(search: LearnerSearch, workplace: Workplace, _: Rules) -> bool:
    return search.programme != workplace.programme


def _no_free_position(_: LearnerSearch, workplace: Workplace, rules: Rules) -> bool:
    return workplace.free_on(rules.day) < 1


def _workplace_expired(_: LearnerSearch, workplace: Workplace, rules: Rules) -> bool:
    return workplace.expires_on < rules.day


def _not_recognised(_: LearnerSearch, workplace: Workplace, rules: Rules) -> bool:
    match workplace.recognition:
        case Recognition.ERKEND:
            return workplace.recognised_until is not None and workplace.recognised_until < rules.day
        case Recognition.AANGEVRAAGD:
            grace = timedelta(days=rules.policy.recognition_grace_days)
            return workplace.registered_on + grace < rules.day
        case _:
            return True


def _outside_the_province(_: LearnerSearch, workplace: Workplace, rules: Rules) -> bool:
    place = rules.places.municipality(workplace.nis)
    return place is None or not place.valid_on(rules.day)


def _no_common_day(search: LearnerSearch, workplace: Workplace, _: Rules) -> bool:
    return bool(search.days and workplace.days) and set(search.days).isdisjoint(workplace.days)


def _proposed_already(search: LearnerSearch, workplace: Workplace, rules: Rules) -> bool:
    return workplace.id in (proposed.workplace_id for proposed in search.open_proposals(rules.day))


def _enough_proposals(search: LearnerSearch, _: Workplace, rules: Rules) -> bool:
    return search.room(rules) == 0


_OBSTACLES: Mapping[Obstacle, Callable[[LearnerSearch, Workplace, Rules], bool]] = {
    Obstacle.OTHER_PROGRAMME: _other_programme,
    Obstacle.NO_FREE_POSITION: _no_free_position,
    Obstacle.WORKPLACE_EXPIRED: _workplace_expired,
    Obstacle.NOT_RECOGNISED: _not_recognised,
    Obstacle.OUTSIDE_THE_PROVINCE: _outside_the_province,
    Obstacle.NO_COMMON_DAY: _no_common_day,
    Obstacle.PROPOSED_ALREADY: _proposed_already,
    Obstacle.ENOUGH_PROPOSALS: _enough_proposals,
}
