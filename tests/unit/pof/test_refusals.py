"""The commands that pof refuses, with the field to change and a reason that a school understands."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from chassis.handling import MessageContext, PermanentError, Refused
from chassis.testing.scenario import Scenario
from services.pof.application.commands import AnnounceDossier, SubmitDossier
from services.pof.domain.dossier import Dossier
from tests.unit.pof.builders import a_submission_of, an_announcement, on, pof, the_dossier

A_BUSO_SCHOOL = "900001"
A_CVO = "900003"


def the_refusal_of(command: object, scenario: Scenario | None = None, ctx: MessageContext | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        (scenario or pof()).when(command, ctx)
    return caught.value


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"institution": "99999"}, "institution", "Instellingsnummer 99999 kennen we niet. Kijk het nummer na."),
        ({"institution": A_CVO}, "institution", "Een CVO heeft geen programmatieaanvraag nodig"),
        ({"programme": "9"}, "programme", "Structuuronderdeel 9 kennen we niet als duale opleiding"),
        ({"education_type": "buso"}, "education_type", "is geen school voor buitengewoon onderwijs. Kies"),
        ({"institution": A_BUSO_SCHOOL}, "education_type", "is een school voor buitengewoon onderwijs. Kies"),
        ({"school_year": "2027-2029"}, "school_year", "twee jaren na elkaar, bijvoorbeeld 2027-2028"),
        ({"school_year": "2027/2028"}, "school_year", "twee jaren na elkaar, bijvoorbeeld 2027-2028"),
        ({"school_year": "2028-2027"}, "school_year", "twee jaren na elkaar, bijvoorbeeld 2027-2028"),
        ({"school_year": "volgend jaar"}, "school_year", "twee jaren na elkaar, bijvoorbeeld 2027-2028"),
        ({"school_year": "2026-2027"}, "school_year", "Schooljaar 2026-2027 is al begonnen. Kies een schooljaar"),
    ],
)
def test_an_announcement_that_cannot_be_right_is_refused(given: dict[str, Any], field: str, reason: str) -> None:
    refusal = the_refusal_of(an_announcement(**given))
    assert refusal.field == field
    assert reason in refusal.reason


@pytest.mark.parametrize(("day", "refused"), [(date(2027, 8, 31), False), (date(2027, 9, 1), True)])
def test_a_programme_can_be_announced_until_the_eve_of_its_first_day(day: date, refused: bool) -> None:
    if refused:
        assert the_refusal_of(an_announcement(), ctx=on(day)).field == "school_year"
    else:
        assert pof().when(an_announcement(), on(day))


def test_a_programme_that_does_not_exist_yet_when_the_year_starts_is_refused() -> None:
    refusal = the_refusal_of(an_announcement(school_year="2016-2017"), ctx=on(date(2016, 1, 15)))
    assert refusal.field == "programme"
    assert "die op 01/09/2016 kan starten" in refusal.reason


def test_a_buso_school_and_a_syntra_may_announce() -> None:
    assert pof().when(an_announcement(institution=A_BUSO_SCHOOL, education_type="buso"))
    assert pof().when(an_announcement(institution="900002"))


def test_a_second_dossier_about_the_same_is_refused_and_the_first_one_named() -> None:
    scenario = pof()
    scenario.when(an_announcement())
    refusal = the_refusal_of(an_announcement(), scenario)
    assert refusal.field == "programme"
    assert str(the_dossier(scenario).id) in refusal.reason
    assert "aangekondigd op 23/11/2026" in refusal.reason


def test_a_submitted_dossier_still_prevents_a_second_one() -> None:
    scenario = pof()
    scenario.when(an_announcement())
    scenario.when(a_submission_of(the_dossier(scenario)))
    assert the_refusal_of(an_announcement(), scenario).field == "programme"


@pytest.mark.parametrize(
    "other", [{"institution": "34082"}, {"site": "brugge-2"}, {"programme": "93"}, {"school_year": "2028-2029"}]
)
def test_a_dossier_about_something_else_is_accepted(other: dict[str, str]) -> None:
    scenario = pof()
    scenario.when(an_announcement())
    scenario.when(an_announcement(**other))
    assert len(scenario.all(Dossier)) == 2


def test_a_dossier_is_submitted_once() -> None:
    scenario = pof()
    scenario.when(an_announcement())
    scenario.when(a_submission_of(the_dossier(scenario), submitted_on=date(2026, 11, 20)))
    refusal = the_refusal_of(a_submission_of(the_dossier(scenario), agodi_reference="AGODI-2026-2"), scenario)
    assert (refusal.field, refusal.reason) == ("dossier_id", "Dit dossier is al ingediend op 20/11/2026.")


def test_a_submission_cannot_be_of_tomorrow() -> None:
    scenario = pof()
    scenario.when(an_announcement())
    refusal = the_refusal_of(a_submission_of(the_dossier(scenario), submitted_on=date(2026, 11, 24)), scenario)
    assert refusal.field == "submitted_on"
    assert "24/11/2026 ligt in de toekomst" in refusal.reason


def test_an_unknown_dossier_cannot_be_submitted() -> None:
    with pytest.raises(PermanentError):
        pof().when(SubmitDossier(dossier_id=uuid4(), agodi_reference="AGODI-2026-1"))


@pytest.mark.parametrize(
    "given", [{"schoolyear": "2027-2028"}, {"site": "a b"}, {"school_year": "2027-2028\x00"}, {"institution": "VTI"}]
)
def test_a_command_is_closed_and_its_codes_are_codes(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        AnnounceDossier(**an_announcement().model_dump() | given)
