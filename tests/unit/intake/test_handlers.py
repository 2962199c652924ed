"""What intake does for each command."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from chassis.handling import Refused
from chassis.testing.scenario import Scenario
from contracts.event import Event
from contracts.intake import LearnerAtRisk, LearnerSearchStarted, QuestionReceived, WorkplaceRegistered
from contracts.vocabulary import Audience, EducationType, RiskSignal, Role, SchoolNet, Severity, Subregion, Topic
from services.intake.app import build
from services.intake.application.commands import AskQuestion, RegisterWorkplace, ReportRisk, StartSearch
from services.intake.domain.case import Case
from services.intake.domain.learner import Learner
from services.intake.domain.vault import VaultEntry
from services.intake.settings import IntakeSettings


def intake() -> Scenario:
    return Scenario(build(IntakeSettings(database_url="unused")).handlers)


def a_question(**given: Any) -> AskQuestion:
    return AskQuestion(**{"audience": Audience.OUDER, "text": "Wat is duaal leren?"} | given)


def a_search(**given: Any) -> StartSearch:
    return StartSearch(**{"school": "34074", "reference": "leerling-17", "programme": "88"} | given)


def a_risk(**given: Any) -> ReportRisk:
    return ReportRisk(
        **{
            "school": "34074",
            "reference": "leerling-17",
            "signal": RiskSignal.R2,
            "reported_by": Role.TRAJECTBEGELEIDER,
        }
        | given
    )


def a_workplace(**given: Any) -> RegisterWorkplace:
    return RegisterWorkplace(
        **{
            "company": "Bakkerij De Korst",
            "enterprise_number": "0314.595.348",
            "programme": "65",
            "postal_code": "8600",
        }
        | given
    )


def the_event(events: list[Event]) -> Any:
    (event,) = events
    return event


def test_a_question_opens_a_case_and_gets_its_topic_with_a_reason() -> None:
    scenario = intake()
    event = the_event(scenario.when(a_question(postal_code="8640")))
    assert isinstance(event, QuestionReceived)
    assert (event.topics, event.subregion) == ((Topic.T01,), Subregion.WESTHOEK)
    assert scenario.answer.triage[0].because
    assert [case.id for case in scenario.all(Case)] == [event.case_id]


def test_a_second_question_joins_the_case() -> None:
    scenario = intake()
    first = the_event(scenario.when(a_question()))
    second = the_event(scenario.when(a_question(case_id=first.case_id, text="En wat kost een leerling?")))
    assert second.case_id == first.case_id
    assert second.question_id != first.question_id
    (case,) = scenario.all(Case)
    assert (len(case.questions), case.version) == (2, 2)


def test_a_case_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="case_id"):
        intake().when(a_question(case_id="01234567-89ab-7def-8123-456789abcdef"))


def test_a_question_that_no_rule_knows_goes_to_a_person() -> None:
    assert the_event(intake().when(a_question(text="Zwaluwen vliegen laag."))).topics == (Topic.T40,)


def test_who_asks_and_the_text_are_in_the_vault_and_not_in_the_event() -> None:
    scenario = intake()
    contact = {"name": "An Peeters", "email": "an@voorbeeld.be", "phone": "0470 12 34 56"}
    event = the_event(scenario.when(a_question(text="Mijn dochter Lotte wil duaal leren", contact=contact)))
    (entry,) = scenario.all(VaultEntry)
    assert (entry.id, entry.person, entry.words) == (
        event.question_id,
        "An Peeters",
        "Mijn dochter Lotte wil duaal leren",
    )
    written = event.to_json().decode()
    assert not any(word in written for word in ("Peeters", "Lotte", "voorbeeld.be", "0470"))


@pytest.mark.parametrize(
    "address", ["an@voorbeeld.be", " an@voorbeeld.be ", "an.peeters+duaal@mail.voorbeeld.be", "o'hara@2-x.be"]
)
def test_a_mail_address_is_what_a_browser_takes_for_one(address: str) -> None:
    assert a_question(contact={"email": address}).contact.email == address.strip()


@pytest.mark.parametrize(
    "address",
    [
        *("an", "an@", "@voorbeeld.be", "an@voorbeeld", "an@@voorbeeld.be", "an@voorbeeld..be", "an@-voorbeeld.be"),
        *("an peeters@voorbeeld.be", "an@voorbeeld.be,eva@voorbeeld.be", "An <an@voorbeeld.be>", "an@voor_beeld.be"),
        *("an@voorbeeld.be\nbcc: eva@voorbeeld.be", "an@" + "a" * 64 + ".be", "a" * 250 + "@voorbeeld.be"),
    ],
)
def test_what_no_browser_takes_for_a_mail_address_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match=r"contact\.email"):
        a_question(contact={"email": address})


def test_a_national_number_reaches_not_even_the_vault() -> None:
    scenario = intake()
    scenario.when(a_question(text="Mijn zoon 85.07.30-033.28 komt niet meer buiten", contact={"name": "85073003328"}))
    (entry,) = scenario.all(VaultEntry)
    assert "033" not in entry.words
    assert "033" not in entry.person
    assert scenario.answer.numbers_removed == 2


@pytest.mark.parametrize(("postal_code", "subregion"), [("9000", None), ("7700", None), ("8970", Subregion.WESTHOEK)])
def test_who_lives_outside_the_province_may_ask_too(postal_code: str, subregion: Subregion | None) -> None:
    assert the_event(intake().when(a_question(postal_code=postal_code))).subregion is subregion


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"postal_code": "8888"}, "postal_code"),
        ({"municipality": "Atlantis"}, "municipality"),
        ({"programme": "99999"}, "programme"),
        ({"school": "11111"}, "school"),
        ({"joint_committee": "999"}, "joint_committee"),
    ],
)
def test_what_a_question_names_must_exist(given: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        intake().when(a_question(**given))
    assert refusal.value.field == field
    assert next(iter(given.values())) in refusal.value.reason


def test_the_net_of_the_school_travels_with_the_question() -> None:
    assert the_event(intake().when(a_question(school="34074"))).school_net is SchoolNet.KOV


def test_a_misspelt_field_is_an_error() -> None:
    with pytest.raises(ValidationError, match="postcode"):
        a_question(postcode="8000")


def test_a_search_starts_the_clock_of_the_learners_school_type() -> None:
    scenario = intake()
    event = the_event(scenario.when(a_search(postal_code="8000")))
    assert isinstance(event, LearnerSearchStarted)
    assert (event.clock_days, event.education_type, event.subregion) == (20, EducationType.GEWOON, Subregion.BRUGGE)
    assert "leerling-17" not in event.to_json().decode()


def test_a_search_and_a_risk_of_one_learner_carry_the_same_pseudonym() -> None:
    scenario = intake()
    search = the_event(scenario.when(a_search()))
    risk = the_event(scenario.when(a_risk()))
    assert search.learner_id == risk.learner_id
    (learner,) = scenario.all(Learner)
    assert (learner.searches, learner.risks, learner.version) == (1, 1, 2)


def test_the_same_code_at_two_schools_is_two_learners() -> None:
    scenario = intake()
    assert (
        the_event(scenario.when(a_search())).learner_id != the_event(scenario.when(a_search(school="34082"))).learner_id
    )


def test_a_national_number_is_not_a_code_for_a_learner() -> None:
    with pytest.raises(Refused, match="reference"):
        intake().when(a_search(reference="85073003328"))


@pytest.mark.parametrize(
    ("signal", "severity", "owner", "due_on"),
    [
        (RiskSignal.R1, Severity.AMBER, Role.TRAJECTBEGELEIDER, date(2026, 11, 24)),
        (RiskSignal.R2, Severity.AMBER, Role.TRAJECTBEGELEIDER, date(2026, 11, 24)),
        (RiskSignal.R3, Severity.RED, Role.TRAJECTBEGELEIDER, date(2026, 11, 24)),
        (RiskSignal.R4, Severity.AMBER, Role.TRAJECTBEGELEIDER, date(2026, 11, 25)),
        (RiskSignal.R5, Severity.AMBER, Role.SCHOOL, date(2026, 11, 24)),
        (RiskSignal.R6, Severity.AMBER, Role.KLASSENRAAD, date(2026, 11, 26)),
        (RiskSignal.R7, Severity.AMBER, Role.SCHOOL, date(2026, 11, 26)),
        (RiskSignal.R8, Severity.AMBER, Role.STEUNPUNT, date(2026, 11, 26)),
        (RiskSignal.R9, Severity.RED, Role.CLB, date(2026, 11, 24)),
        (RiskSignal.R10, Severity.RED, Role.STEUNPUNT, date(2026, 11, 23)),
    ],
)
def test_a_risk_has_an_owner_and_a_day(signal: RiskSignal, severity: Severity, owner: Role, due_on: date) -> None:
    event = the_event(intake().when(a_risk(signal=signal)))
    assert isinstance(event, LearnerAtRisk)
    assert (event.severity, event.owner, event.due_on) == (severity, owner, due_on)


def test_a_workplace_gets_the_municipality_of_its_postal_code_and_stands_open_for_ninety_days() -> None:
    scenario = intake()
    event = the_event(scenario.when(a_workplace(contact={"name": "Jan", "phone": "051 22 33 44"})))
    assert isinstance(event, WorkplaceRegistered)
    assert (event.nis, event.subregion, event.expires_on) == ("32003", Subregion.WESTHOEK, date(2027, 2, 21))
    (entry,) = scenario.all(VaultEntry)
    assert (entry.organisation, entry.person) == ("Bakkerij De Korst", "Jan")
    assert "Korst" not in event.to_json().decode()


def test_a_municipality_that_merged_is_the_new_one() -> None:
    assert the_event(intake().when(a_workplace(postal_code=None, municipality="Ruiselede"))).nis == "37021"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"postal_code": "7700"}, "postal_code"),
        ({"postal_code": None}, "municipality"),
        ({"enterprise_number": "0314.595.349"}, "enterprise_number"),
        ({"programme": "1234"}, "programme"),
    ],
)
def test_a_workplace_that_cannot_be_is_refused_by_field(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        intake().when(a_workplace(**given))
    assert refusal.value.field == field
