"""What matching does for each event."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from chassis.testing.builders import NOON, a_context
from chassis.testing.scenario import Scenario
from contracts.intake import LearnerAtRisk, LearnerSearchStarted, WorkplaceRegistered
from contracts.matching import MatchProposed
from contracts.vocabulary import Criterion, Recognition, Subregion
from services.matching.application.handlers import Handlers
from services.matching.domain.learner_search import LearnerSearch
from services.matching.domain.workplace import Workplace
from tests.builders import MONDAY, a_learner_at_risk, a_learner_search, a_workplace
from tests.unit.matching.rulebook import RULEBOOK

KORTRIJK = {"nis": "34022", "subregion": Subregion.ZUID_WEST}
Happening = LearnerSearchStarted | WorkplaceRegistered | LearnerAtRisk


class Matching(Scenario):
    """A scenario with what happened so far, that shows the proposals for the next event."""

    def __init__(self, *happened: Happening) -> None:
        super().__init__(Handlers(RULEBOOK))
        for event in happened:
            self.proposals(event)

    def proposals(self, event: Happening, days_later: int = 0) -> list[MatchProposed]:
        events = self.when(event, a_context(at=NOON + timedelta(days=days_later)))
        return [published for published in events if isinstance(published, MatchProposed)]

    def workplaces_of(self, event: Happening, days_later: int = 0) -> list[UUID]:
        return [proposal.workplace_id for proposal in self.proposals(event, days_later)]

    def learners_of(self, event: Happening, days_later: int = 0) -> list[UUID]:
        return [proposal.learner_id for proposal in self.proposals(event, days_later)]


def a_risk_of(search: LearnerSearchStarted, **given: Any) -> LearnerAtRisk:
    return a_learner_at_risk(**{"learner_id": search.learner_id, "programme": search.programme} | given)


def test_a_search_finds_the_workplace_that_was_there_first() -> None:
    workplace, search = a_workplace(), a_learner_search()
    (proposal,) = Matching(workplace).proposals(search)
    assert (proposal.learner_id, proposal.workplace_id) == (search.learner_id, workplace.workplace_id)
    assert (proposal.search_id, proposal.school, proposal.programme) == (search.search_id, "34074", "88")
    assert (proposal.proposed_on, proposal.expires_on) == (MONDAY, date(2026, 12, 7))


def test_a_workplace_finds_the_search_that_was_there_first() -> None:
    workplace, search = a_workplace(), a_learner_search()
    (proposal,) = Matching(search).proposals(workplace)
    assert (proposal.learner_id, proposal.workplace_id) == (search.learner_id, workplace.workplace_id)


def test_a_proposal_explains_itself() -> None:
    workplace = a_workplace(**KORTRIJK, had_learner_before=False)
    (proposal,) = Matching(workplace).proposals(a_learner_search())
    assert {reason.criterion for reason in proposal.reasons if not reason.matched} == {
        Criterion.DISTANCE,
        Criterion.SAME_SUBREGION,
    }
    assert {reason.criterion for reason in proposal.reasons if reason.matched and reason.known} == {
        Criterion.IDLE_COMPANY
    }
    assert len(proposal.reasons) == 7
    assert (proposal.score, proposal.distance_km, proposal.rule_version) == (71, 42.5, "2026-09-01")
    assert proposal.subregion is Subregion.ZUID_WEST


def test_a_workplace_whose_subregion_we_cannot_read_is_proposed_with_that_of_its_municipality() -> None:
    newer = a_workplace(**KORTRIJK).to_json().replace(b"ZUID_WEST", b"LEIESTREEK")
    (proposal,) = Matching(WorkplaceRegistered.from_json(newer)).proposals(a_learner_search())
    assert proposal.subregion is Subregion.ZUID_WEST


def test_a_company_whose_recognition_is_pending_is_proposed_with_that_warning() -> None:
    recognised, pending = a_workplace(), a_workplace(recognition=Recognition.AANGEVRAAGD)
    proposals = Matching(recognised, pending).proposals(a_learner_search())
    assert {proposal.workplace_id: proposal.recognition_pending for proposal in proposals} == {
        recognised.workplace_id: False,
        pending.workplace_id: True,
    }


def test_nothing_is_proposed_in_comines() -> None:
    assert Matching(a_workplace(nis="54010")).proposals(a_learner_search()) == []


def test_one_place_is_proposed_to_one_learner() -> None:
    matching = Matching(a_workplace())
    assert len(matching.proposals(a_learner_search())) == 1
    assert matching.proposals(a_learner_search()) == []


def test_a_workplace_is_proposed_to_as_many_learners_as_it_has_places() -> None:
    waiting = [a_learner_search() for _ in range(3)]
    assert len(Matching(*waiting).proposals(a_workplace(open_positions=2))) == 2


def test_a_proposal_keeps_its_place_up_to_and_including_its_last_day() -> None:
    matching = Matching(a_workplace(), a_learner_search())
    assert matching.proposals(a_learner_search(), days_later=14) == []
    assert len(matching.proposals(a_learner_search(), days_later=15)) == 1


def test_a_message_that_comes_late_finds_the_places_taken_that_were_taken_on_its_day() -> None:
    matching = Matching(a_workplace(open_positions=2), a_learner_search(), a_learner_search())
    assert len(matching.proposals(a_learner_search(), days_later=20)) == 1
    assert matching.proposals(a_learner_search(), days_later=10) == []


def test_a_workplace_that_is_registered_again_keeps_its_reservations() -> None:
    workplace = a_workplace()
    matching = Matching(workplace, a_learner_search())
    more = workplace.model_copy(update={"open_positions": 2})
    assert matching.proposals(more) == []
    assert len(matching.proposals(a_learner_search())) == 1
    assert matching.proposals(a_learner_search()) == []


def test_a_company_that_withdraws_a_position_gets_no_further_proposals() -> None:
    workplace = a_workplace()
    matching = Matching(workplace, a_learner_search(), workplace.model_copy(update={"open_positions": 0}))
    assert matching.proposals(a_learner_search()) == []


def test_the_best_workplaces_come_first_and_only_three() -> None:
    far = a_workplace(**KORTRIJK)
    near = [a_workplace(registered_on=date(2026, 11, day)) for day in (3, 1, 2)]
    assert Matching(far, *near).workplaces_of(a_learner_search()) == [
        workplace.workplace_id for workplace in (near[1], near[2], near[0])
    ]


def test_between_equal_scores_the_nearest_comes_first() -> None:
    brugge, zedelgem = a_workplace(nis="31005"), a_workplace(nis="31040", registered_on=date(2026, 1, 1))
    assert Matching(zedelgem, brugge).workplaces_of(a_learner_search()) == [
        brugge.workplace_id,
        zedelgem.workplace_id,
    ]


def test_a_learner_with_three_open_proposals_waits_until_one_expires() -> None:
    search = a_learner_search()
    matching = Matching(*(a_workplace() for _ in range(3)), search)
    assert matching.learners_of(a_workplace()) == []
    assert matching.learners_of(a_workplace(), days_later=15) == [search.learner_id]


def test_a_workplace_is_not_proposed_to_the_same_learner_twice_while_the_proposal_is_open() -> None:
    workplace, search = a_workplace(open_positions=5), a_learner_search()
    matching = Matching(workplace, search)
    assert matching.proposals(search) == matching.proposals(workplace) == []
    assert matching.workplaces_of(search, days_later=15) == [workplace.workplace_id]


def test_the_learner_who_waits_longest_comes_first() -> None:
    later = a_learner_search(learner_id=UUID(int=1))
    earlier = a_learner_search(learner_id=UUID(int=2), started_on=date(2026, 11, 2))
    assert Matching(later, earlier).learners_of(a_workplace()) == [earlier.learner_id]


def test_a_learner_at_risk_comes_before_who_waits_longer() -> None:
    at_risk, earlier = a_learner_search(), a_learner_search(started_on=date(2026, 11, 2))
    assert Matching(earlier, at_risk, a_risk_of(at_risk)).learners_of(a_workplace()) == [at_risk.learner_id]


def test_a_learner_at_risk_gets_what_became_free_since_the_search_began() -> None:
    workplace, search = a_workplace(), a_learner_search()
    matching = Matching(workplace, a_learner_search(), search)
    assert matching.workplaces_of(a_risk_of(search), days_later=15) == [workplace.workplace_id]


def test_a_learner_at_risk_gets_workplaces_of_the_search_whatever_the_report_names() -> None:
    workplace, search = a_workplace(programme="93"), a_learner_search(programme="93")
    matching = Matching(search, workplace)
    assert matching.workplaces_of(a_risk_of(search, programme="88"), days_later=15) == [workplace.workplace_id]
    assert matching.workplaces_of(a_risk_of(search, programme=None), days_later=30) == [workplace.workplace_id]


def test_a_learner_at_risk_gets_no_more_than_three_open_proposals() -> None:
    search = a_learner_search()
    matching = Matching(*(a_workplace() for _ in range(4)), search)
    assert matching.proposals(a_risk_of(search)) == []


def test_a_risk_without_a_programme_or_for_another_one_only_marks_the_search() -> None:
    for programme in (None, "89"):
        search, elsewhere = a_learner_search(), a_workplace(programme="89")
        matching = Matching(search, elsewhere)
        assert matching.proposals(a_risk_of(search, programme=programme)) == []
        (marked,) = matching.all(LearnerSearch)
        assert marked.at_risk


def test_a_risk_of_a_learner_who_does_not_search_changes_nothing() -> None:
    matching = Matching(a_workplace())
    assert matching.proposals(a_learner_at_risk(programme="88")) == []
    assert matching.all(LearnerSearch) == []


def test_a_second_search_replaces_the_first_and_keeps_the_risk_and_the_open_proposals() -> None:
    search = a_learner_search()
    again = search.model_copy(update={"search_id": uuid4(), "programme": "89"})
    other = a_workplace(programme="89")
    matching = Matching(a_workplace(), search, a_risk_of(search), other)
    (proposal,) = matching.proposals(again)
    (kept,) = matching.all(LearnerSearch)
    assert (proposal.search_id, proposal.workplace_id) == (again.search_id, other.workplace_id)
    assert (kept.programme, kept.at_risk, len(kept.proposed)) == ("89", True, 2)


def test_a_learner_who_changed_to_another_programme_is_not_proposed_for_the_former_one() -> None:
    search = a_learner_search()
    matching = Matching(search, search.model_copy(update={"programme": "89"}))
    assert matching.proposals(a_workplace()) == []


def test_a_proposal_has_an_id_that_follows_from_its_cause() -> None:
    workplace, search, ctx = a_workplace(), a_learner_search(), a_context()
    first, second = (Matching(workplace).when(search, ctx) for _ in range(2))
    assert first == second


def test_the_reservation_is_the_proposal() -> None:
    matching = Matching(a_workplace())
    (proposal,) = matching.proposals(a_learner_search())
    (workplace,) = matching.all(Workplace)
    (reservation,) = workplace.reservations
    assert (reservation.proposal_id, reservation.until) == (proposal.proposal_id, proposal.expires_on)
