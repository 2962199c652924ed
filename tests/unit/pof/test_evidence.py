"""Evidence for a new programme: workplaces and learners of the same programme in the same subregion."""

from datetime import date
from typing import Any

import pytest

from chassis.testing.scenario import Scenario
from contracts.intake import LearnerSearchStarted, WorkplaceRegistered
from contracts.pof import Evidence, ProgrammatieAnnounced, ProgrammatieSubmitted
from contracts.vocabulary import Recognition, Subregion
from services.pof.projections.learner import SearchingLearner
from services.pof.projections.workplace import RegisteredWorkplace
from tests.builders import a_learner_search, a_workplace, some_evidence
from tests.unit.pof.builders import a_submission_of, an_announcement, on, pof, the_dossier


def evidence_after(*events: object, today: date = date(2026, 11, 23)) -> Evidence:
    scenario = pof_after(*events)
    (event,) = scenario.when(an_announcement(), on(today))
    assert isinstance(event, ProgrammatieAnnounced)
    return event.evidence


def pof_after(*events: object) -> Scenario:
    scenario = pof()
    for event in events:
        scenario.when(event)
    return scenario


def test_workplaces_their_positions_and_learners_are_counted() -> None:
    evidence = evidence_after(
        a_workplace(open_positions=2), a_workplace(open_positions=0), a_learner_search(), a_learner_search()
    )
    assert evidence == some_evidence(workplaces_registered=2, open_positions=2, learners_searching=2)


@pytest.mark.parametrize("elsewhere", [{"programme": "93"}, {"subregion": Subregion.WESTHOEK}])
def test_another_programme_or_subregion_does_not_count(elsewhere: dict[str, Any]) -> None:
    assert evidence_after(a_workplace(**elsewhere), a_learner_search(**elsewhere)) == some_evidence()


def test_a_learner_of_whom_nobody_said_where_does_not_count() -> None:
    assert evidence_after(a_learner_search(subregion=None)) == some_evidence()


def test_the_subregion_is_that_of_the_institution() -> None:
    scenario = pof_after(a_workplace(subregion=Subregion.MIDWEST, nis="36015"))
    scenario.when(an_announcement(institution="900001", education_type="buso"))
    assert scenario.answer.subregion is Subregion.MIDWEST
    assert scenario.answer.evidence.workplaces_registered == 1


@pytest.mark.parametrize(
    ("recognition", "counted"),
    [
        (Recognition.ERKEND, 1),
        (Recognition.AANGEVRAAGD, 1),
        (Recognition.INTERESSE, 1),
        (Recognition.GEWEIGERD, 0),
        (Recognition.GESCHORST, 0),
        (Recognition.VERVALLEN, 0),
    ],
)
def test_a_workplace_counts_while_a_learner_may_come(recognition: Recognition, counted: int) -> None:
    assert evidence_after(a_workplace(recognition=recognition)).workplaces_registered == counted


def test_a_recognition_or_a_place_that_we_do_not_know_yet_does_not_count() -> None:
    workplace, search = a_workplace().to_json(), a_learner_search().to_json()
    assert (
        evidence_after(
            WorkplaceRegistered.from_json(workplace.replace(b'"ERKEND"', b'"VOORLOPIG"')),
            WorkplaceRegistered.from_json(workplace.replace(b'"BRUGGE"', b'"KUST"')),
            LearnerSearchStarted.from_json(search.replace(b'"BRUGGE"', b'"KUST"')),
            a_learner_search(subregion=None),
        )
        == some_evidence()
    )


@pytest.mark.parametrize(("day", "counted"), [(date(2027, 2, 21), 1), (date(2027, 2, 22), 0)])
def test_a_workplace_counts_to_the_day_on_which_it_expires(day: date, counted: int) -> None:
    assert evidence_after(a_workplace(expires_on=date(2027, 2, 21)), today=day).workplaces_registered == counted


@pytest.mark.parametrize(("started_on", "counted"), [(date(2026, 8, 31), 0), (date(2026, 9, 1), 1)])
def test_a_learner_counts_in_the_school_year_of_the_search(started_on: date, counted: int) -> None:
    assert evidence_after(a_learner_search(started_on=started_on)).learners_searching == counted


def test_a_workplace_that_is_registered_again_is_one_workplace_as_it_is_now() -> None:
    first = a_workplace(open_positions=3)
    again = first.model_copy(update={"open_positions": 1})
    scenario = pof_after(first, again)
    assert len(scenario.all(RegisteredWorkplace)) == 1
    assert evidence_after(first, again) == some_evidence(workplaces_registered=1, open_positions=1)


def test_a_learner_who_looks_again_counts_for_the_last_programme_only() -> None:
    first = a_learner_search()
    again = first.model_copy(update={"programme": "93"})
    assert len(pof_after(first, again).all(SearchingLearner)) == 1
    assert evidence_after(first, again).learners_searching == 0
    assert evidence_after(again, first).learners_searching == 1


def test_evidence_is_counted_again_at_the_submission() -> None:
    scenario = pof()
    scenario.when(an_announcement())
    scenario.when(a_workplace())
    (event,) = scenario.when(a_submission_of(the_dossier(scenario)), on(date(2026, 11, 25)))
    assert isinstance(event, ProgrammatieSubmitted)
    assert event.evidence == some_evidence(counted_on=date(2026, 11, 25), workplaces_registered=1, open_positions=1)
