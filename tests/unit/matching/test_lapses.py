"""What happens when nobody decides on a proposal."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest

from chassis.handling import BRUSSELS
from chassis.testing.builders import NOON, a_context
from contracts.event import Event
from contracts.matching import MatchLapsed, MatchProposed, ProposalPeriodEnded
from tests.builders import a_learner_at_risk, a_learner_search, a_workplace
from tests.unit.matching.test_handlers import Matching

LAST_DAY = date(2026, 12, 7)
"""The last day of a proposal that is made on Monday."""
AFTER_IT = datetime(2026, 12, 8, tzinfo=BRUSSELS)
MOMENT = timedelta(microseconds=1)


def lapses(events: list[Event]) -> list[MatchLapsed]:
    return [event for event in events if isinstance(event, MatchLapsed)]


def proposals(events: list[Event]) -> list[MatchProposed]:
    return [event for event in events if isinstance(event, MatchProposed)]


def test_a_proposal_that_nobody_decided_on_lapses_when_its_last_day_is_over_and_not_before() -> None:
    workplace, search = a_workplace(), a_learner_search()
    matching = Matching(workplace)
    (proposal,) = matching.proposals(search)
    assert matching.until(AFTER_IT - MOMENT) == []
    assert matching.until(AFTER_IT) == [
        MatchLapsed(
            learner_id=search.learner_id,
            proposal_id=proposal.proposal_id,
            workplace_id=workplace.workplace_id,
            programme="88",
            expired_on=LAST_DAY,
        )
    ]
    assert matching.until(AFTER_IT + timedelta(days=365)) == []


@pytest.mark.parametrize("proposed_on", [datetime(2027, 3, 20, 12, tzinfo=BRUSSELS), NOON], ids=["summer", "winter"])
def test_the_last_day_ends_at_midnight_in_belgium(proposed_on: datetime) -> None:
    matching = Matching(a_workplace(expires_on=date(2028, 1, 1)))
    (proposal,) = matching.proposals(a_learner_search(), days_later=(proposed_on - NOON).days)
    (timer,) = matching.timers
    ends = timer.due_at.astimezone(BRUSSELS)
    assert (ends.date() - proposal.expires_on, ends.hour, ends.minute) == (timedelta(days=1), 0, 0)


def test_its_position_goes_to_another_learner() -> None:
    waiting = a_learner_search(started_on=date(2026, 11, 30))
    matching = Matching(a_workplace(), a_learner_search(), waiting)
    (proposal,) = proposals(matching.until(AFTER_IT))
    assert (proposal.learner_id, proposal.proposed_on) == (waiting.learner_id, date(2026, 12, 8))


def test_its_position_goes_to_a_learner_at_risk_first() -> None:
    longest, at_risk = a_learner_search(started_on=date(2026, 11, 1)), a_learner_search()
    risk = a_learner_at_risk(learner_id=at_risk.learner_id)
    matching = Matching(a_workplace(), a_learner_search(), longest, at_risk, risk)
    assert [proposal.learner_id for proposal in proposals(matching.until(AFTER_IT))] == [at_risk.learner_id]


def test_it_is_not_proposed_again_to_the_same_learner_by_itself() -> None:
    search = a_learner_search(started_on=date(2026, 11, 1))
    matching = Matching(a_workplace(), search)
    assert proposals(matching.until(AFTER_IT + timedelta(days=30))) == []
    assert len(matching.proposals(search, days_later=50)) == 1


def test_learners_who_wait_take_turns() -> None:
    first, second = a_learner_search(), a_learner_search()
    matching = Matching(a_workplace(), first, second)
    given = [proposal.learner_id for proposal in proposals(matching.until(AFTER_IT + timedelta(days=60)))]
    assert given[:2] == [second.learner_id, first.learner_id]
    assert all(one != next_ for one, next_ in pairwise(given))


def test_the_proposal_of_a_learner_who_changed_programme_lapses_and_another_learner_gets_the_position() -> None:
    search, waiting = a_learner_search(), a_learner_search()
    matching = Matching(a_workplace(), search, waiting, search.model_copy(update={"programme": "89"}))
    events = matching.until(AFTER_IT)
    assert [lapse.learner_id for lapse in lapses(events)] == [search.learner_id]
    assert [proposal.learner_id for proposal in proposals(events)] == [waiting.learner_id]


def test_a_workplace_that_nobody_confirmed_is_not_proposed_again() -> None:
    matching = Matching(a_workplace(expires_on=LAST_DAY), a_learner_search(), a_learner_search())
    events = matching.until(AFTER_IT)
    assert (len(lapses(events)), len(proposals(events))) == (1, 0)


def test_a_timer_that_comes_again_or_of_an_unknown_proposal_changes_nothing() -> None:
    search = a_learner_search()
    matching = Matching(a_workplace(), search)
    (timer,) = matching.timers
    matching.until(AFTER_IT)
    assert matching.when(timer, a_context(at=AFTER_IT)) == []
    assert isinstance(timer, ProposalPeriodEnded)
    unknown = timer.model_copy(update={"proposal_id": uuid4()})
    assert matching.when(unknown, a_context(at=AFTER_IT)) == []
