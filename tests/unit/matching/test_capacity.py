"""In any order of events and days no position is proposed twice, and no learner gets too many proposals."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import product
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.testing.builders import NOON, a_context
from chassis.testing.scenario import Scenario
from contracts.event import Event
from contracts.intake import WorkplaceRegistered
from contracts.matching import MatchProposed
from services.matching.application.handlers import Handlers
from services.matching.domain.workplace import Workplace
from tests.builders import MONDAY, a_learner_at_risk, a_learner_search, a_workplace
from tests.unit.matching.rulebook import RULEBOOK

PROGRAMMES = st.sampled_from(["88", "89"])
LEARNERS = st.sampled_from([UUID(int=number) for number in range(6)])
WORKPLACES = st.sampled_from([UUID(int=number) for number in range(100, 104)])

A_SEARCH = st.builds(a_learner_search, learner_id=LEARNERS, programme=PROGRAMMES)
A_RISK = st.builds(a_learner_at_risk, learner_id=LEARNERS, programme=PROGRAMMES | st.none())
A_WORKPLACE = st.builds(a_workplace, workplace_id=WORKPLACES, programme=PROGRAMMES, open_positions=st.integers(0, 3))
HAPPENINGS = st.lists(st.tuples(A_SEARCH | A_RISK | A_WORKPLACE, st.integers(0, 40), st.booleans()), max_size=40)
"""Events, each with its day, and whether the timers that are due by then fire before or after it."""


def proposals_of(events: Iterable[Event]) -> list[MatchProposed]:
    return [event for event in events if isinstance(event, MatchProposed)]


def open_on(day: date, proposals: Iterable[MatchProposed]) -> list[MatchProposed]:
    return [proposal for proposal in proposals if proposal.proposed_on <= day <= proposal.expires_on]


@settings(deadline=None)
@given(HAPPENINGS)
def test_no_position_is_proposed_twice_and_no_learner_gets_too_many(happenings: list[tuple[Event, int, bool]]) -> None:
    matching = Scenario(Handlers(RULEBOOK))
    positions: dict[UUID, int] = {}
    proposals: list[MatchProposed] = []
    for event, days_later, in_time in happenings:
        moment = NOON + timedelta(days=days_later)
        new = proposals_of(matching.until(moment)) if in_time else []
        if isinstance(event, WorkplaceRegistered):
            positions[event.workplace_id] = event.open_positions
        new += proposals_of(matching.when(event, a_context(at=moment)))
        proposals += new
        for proposal, ahead in product(new, range(15)):
            still_open = open_on(proposal.proposed_on + timedelta(days=ahead), proposals)
            of_workplace = [other for other in still_open if other.workplace_id == proposal.workplace_id]
            of_learner = [other.workplace_id for other in still_open if other.learner_id == proposal.learner_id]
            assert len(of_workplace) <= positions[proposal.workplace_id]
            assert len(of_learner) == len(set(of_learner)) <= 3


def test_a_workplace_refuses_a_reservation_beyond_its_positions() -> None:
    workplace = Workplace.register(a_workplace(open_positions=1))
    workplace.reserve(UUID(int=1), on=MONDAY, until=MONDAY)
    with pytest.raises(ValueError, match="no free position"):
        workplace.reserve(UUID(int=2), on=MONDAY, until=MONDAY)
