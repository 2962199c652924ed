"""An application that a partner reports."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from contracts.intake import ProgrammatieReceived
from contracts.pof import ProgrammatieSubmitted
from contracts.vocabulary import DossierId
from services.pof.domain.dossier import Dossier, Status
from tests.builders import a_workplace
from tests.unit.pof.builders import a_submission_of, an_announcement, pof, the_dossier


def an_application(**given: Any) -> ProgrammatieReceived:
    announcement = an_announcement()
    return ProgrammatieReceived(
        **{
            "dossier_id": DossierId(uuid4()),
            "institution": announcement.institution,
            "site": announcement.site,
            "programme": announcement.programme,
            "school_year": announcement.school_year,
            "agodi_reference": "AGODI-7",
            "submitted_on": date(2026, 11, 20),
            "source": "schoolsoft",
        }
        | given
    )


def test_it_submits_the_dossier_that_the_school_announced() -> None:
    scenario = pof()
    scenario.when(an_announcement())
    (event,) = scenario.when(an_application())
    assert isinstance(event, ProgrammatieSubmitted)
    assert event.dossier_id == the_dossier(scenario).id
    assert (event.agodi_reference, event.submitted_on, event.deadline_kept) == ("AGODI-7", date(2026, 11, 20), True)


def test_without_an_announcement_it_opens_the_dossier_of_the_partner() -> None:
    scenario = pof()
    event = an_application()
    (published,) = scenario.when(event)
    assert isinstance(published, ProgrammatieSubmitted)
    assert published.dossier_id == the_dossier(scenario).id == UUID(str(event.dossier_id))
    assert the_dossier(scenario).status is Status.SUBMITTED


def test_what_is_submitted_already_is_not_submitted_again() -> None:
    scenario = pof()
    scenario.when(an_announcement())
    scenario.when(a_submission_of(the_dossier(scenario)))
    assert scenario.when(an_application()) == []


def test_the_evidence_is_that_of_the_area_and_of_no_other() -> None:
    scenario = pof()
    for subregion in ("BRUGGE", "WESTHOEK"):
        scenario.when(a_workplace(programme="88", subregion=subregion, open_positions=2))
    (event,) = scenario.when(an_application())
    assert isinstance(event, ProgrammatieSubmitted)
    assert (event.evidence.workplaces_registered, event.evidence.open_positions) == (1, 2)


def test_another_plan_of_the_same_school_is_another_dossier() -> None:
    scenario = pof()
    scenario.when(an_announcement(site="brugge-2"))
    scenario.when(an_application())
    assert len(scenario.all(Dossier)) == 2


def test_an_application_that_is_reported_late_is_kept_too() -> None:
    scenario = pof()
    (event,) = scenario.when(an_application(school_year="2025-2026"))
    assert isinstance(event, ProgrammatieSubmitted)


def test_a_reference_that_is_used_again_for_another_plan_is_another_dossier() -> None:
    scenario = pof()
    first = an_application()
    scenario.when(first)
    scenario.when(an_application(dossier_id=first.dossier_id, site="brugge-2"))
    scenario.when(an_application(dossier_id=first.dossier_id, school_year="2028-2029"))
    assert len({dossier.natural_key for dossier in scenario.all(Dossier)}) == 3
