"""Makes proposals when a search or a workplace comes in, in either order."""

from collections.abc import Callable, Iterable
from datetime import date
from operator import attrgetter
from uuid import UUID

from services.matching.domain.criteria import assess
from services.matching.domain.learner_search import LearnerSearch
from services.matching.domain.obstacles import can_be_proposed
from services.matching.domain.rules import Rules
from services.matching.domain.workplace import Workplace

NewId = Callable[[str], UUID]


def propose_workplaces(search: LearnerSearch, workplaces: Iterable[Workplace], rules: Rules, new_id: NewId) -> None:
    """Propose the best open workplaces, as many as the learner may still get."""
    possible = [workplace for workplace in workplaces if can_be_proposed(search, workplace, rules)]
    matches = sorted((assess(search, workplace, rules) for workplace in possible), key=attrgetter("rank"))
    for match in matches[: search.room(rules)]:
        search.propose(match, _proposal_id(search, match.workplace, new_id), rules)


def propose_workplace_to_learners(
    workplace: Workplace, searches: Iterable[LearnerSearch], rules: Rules, new_id: NewId
) -> None:
    """Propose a workplace to searching learners, as long as it has a free position."""
    waiting = [search for search in searches if can_be_proposed(search, workplace, rules)]
    for search in sorted(waiting, key=_turn)[: workplace.free_on(rules.day)]:
        search.propose(assess(search, workplace, rules), _proposal_id(search, workplace, new_id), rules)


def _turn(search: LearnerSearch) -> tuple[bool, date, UUID]:
    """Sort key: learners at risk first, then those who have searched longest."""
    return not search.at_risk, search.started_on, search.id


def _proposal_id(search: LearnerSearch, workplace: Workplace, new_id: NewId) -> UUID:
    return new_id(f"proposal/{search.id}/{workplace.id}")
