"""A case: by when a person makes contact, its private link, and how it is withdrawn and opened again."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from chassis.handling import NotFound, Refused
from chassis.testing.builders import NOON, a_context
from chassis.testing.scenario import Scenario
from contracts import partner
from contracts.codelists import CodeLists
from contracts.intake import CaseClosed, CaseReopened, QuestionReceived
from contracts.vocabulary import Audience, CaseOutcome, Topic
from services.intake.adapters.redaction import redact
from services.intake.adapters.reference import belgian_working_days, read_policies
from services.intake.application.commands import AskQuestion, WithdrawCase
from services.intake.application.handlers import Handlers
from services.intake.application.partner_handlers import PartnerHandlers
from services.intake.application.partner_messages import PartnerQuestion
from services.intake.domain.case import Case, CaseStatus
from services.intake.domain.link import CaseLink
from services.intake.domain.triage import Triage, TriageRule
from tests.partners import data_of

POLICIES, CODE_LISTS, WORKING_DAYS = read_policies(), CodeLists.read(), belgian_working_days()
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 11, day) for day in (23, 24, 25))
HASH = "0123456789abcdef" * 4


def intake() -> Scenario:
    """Intake, with triage that takes every word `t01` to `t40` for the topic of that name."""
    rules = (TriageRule(topic, topic, None, topic.lower(), 5, date(2025, 9, 1), None) for topic in Topic)
    return Scenario(
        (
            Handlers(Triage(rules), POLICIES, WORKING_DAYS, redact, CODE_LISTS),
            PartnerHandlers(POLICIES, WORKING_DAYS, CODE_LISTS.institutions, CODE_LISTS.places),
        )
    )


def ask(scenario: Scenario, *topics: Topic, on: date = MONDAY, **given: Any) -> list[Any]:
    command = AskQuestion(**{"audience": Audience.OUDER, "text": " ".join(topics or (Topic.T01,))} | given)
    return scenario.when(command, a_context(at=datetime(on.year, on.month, on.day, 11, tzinfo=UTC)))


def withdraw(scenario: Scenario, case_id: UUID, on: date = MONDAY) -> list[Any]:
    return scenario.when(WithdrawCase(case_id=case_id), a_context(at=NOON + (on - MONDAY)))


def the_case(scenario: Scenario) -> Case:
    (case,) = scenario.all(Case)
    assert isinstance(case, Case)
    return case


@pytest.mark.parametrize(
    ("topics", "asked_on", "due_on"),
    [
        ((Topic.T01,), MONDAY, WEDNESDAY),
        ((Topic.T40,), MONDAY, WEDNESDAY),
        *(((topic,), MONDAY, TUESDAY) for topic in (Topic.T07, Topic.T18, Topic.T19, Topic.T20)),
        *(((topic,), MONDAY, MONDAY) for topic in (Topic.T16, Topic.T26)),
        ((Topic.T01,), date(2026, 11, 26), date(2026, 11, 30)),  # a Thursday: the weekend does not count
        ((Topic.T26,), date(2026, 11, 28), date(2026, 11, 30)),  # a Saturday
        ((Topic.T01,), date(2026, 12, 24), date(2026, 12, 29)),  # Christmas is a Friday
        ((Topic.T07,), date(2027, 5, 5), date(2027, 5, 7)),  # Ascension Day is a Thursday
    ],
)
def test_a_person_makes_contact_within_the_working_days_of_the_topic(
    topics: tuple[Topic, ...], asked_on: date, due_on: date
) -> None:
    scenario = intake()
    ask(scenario, *topics, on=asked_on)
    (question,) = the_case(scenario).questions
    assert (the_case(scenario).due_on, question.due_on, scenario.answer.due_on) == (due_on, due_on, due_on)


def test_of_several_topics_the_most_urgent_counts() -> None:
    scenario = intake()
    ask(scenario, Topic.T01, Topic.T07, Topic.T26)
    assert the_case(scenario).due_on == MONDAY


def test_a_question_of_a_partner_is_due_as_from_the_day_on_which_we_got_it() -> None:
    scenario = intake()
    data = data_of("be.duaalwest.partner.QuestionReceived.v1", topics=["T07"], received_at="2026-11-20T10:00:00Z")
    scenario.when(PartnerQuestion("schoolsoft", partner.QuestionReceived.model_validate(data)))
    assert the_case(scenario).due_on == TUESDAY


@pytest.mark.parametrize(("topic", "due_on"), [(Topic.T26, TUESDAY), (Topic.T01, WEDNESDAY)])
def test_a_case_is_due_when_the_first_of_its_questions_is(topic: Topic, due_on: date) -> None:
    scenario = intake()
    ask(scenario, Topic.T01)
    ask(scenario, topic, on=TUESDAY, case_id=the_case(scenario).id)
    assert the_case(scenario).due_on == due_on
    assert the_case(scenario).topics == (topic,)


def test_of_a_private_link_only_a_hash_is_stored_and_it_works_for_a_year() -> None:
    scenario, context = intake(), a_context()
    scenario.when(AskQuestion(audience=Audience.OUDER, text="t01", link=HASH), context)
    (link,) = scenario.all(CaseLink)
    assert (link.id, link.case_id) == (context.new_id("link"), the_case(scenario).id)
    assert (link.token_hash, link.made_on, link.expires_on) == (HASH, MONDAY, MONDAY + timedelta(days=365))


@pytest.mark.parametrize("link", ["a-token", HASH[1:], HASH + "0", HASH.upper(), f"{HASH}\n"])
def test_what_is_no_hash_is_refused_as_a_link(link: str) -> None:
    with pytest.raises(ValidationError, match="link"):
        AskQuestion(audience=Audience.OUDER, text="t01", link=link)


def test_a_question_without_a_link_makes_none() -> None:
    scenario = intake()
    ask(scenario)
    assert scenario.all(CaseLink) == []


def test_a_question_that_joins_a_case_brings_no_link() -> None:
    scenario = intake()
    ask(scenario)
    with pytest.raises(Refused, match="link"):
        ask(scenario, case_id=the_case(scenario).id, link=HASH)


def test_a_case_is_withdrawn_once() -> None:
    scenario = intake()
    ask(scenario)
    case = the_case(scenario)
    closed = CaseClosed(case_id=case.id, outcome=CaseOutcome.WITHDRAWN, closed_on=TUESDAY)
    assert withdraw(scenario, case.id, on=TUESDAY) == [closed]
    assert withdraw(scenario, case.id, on=WEDNESDAY) == []
    assert scenario.answer.case_id == case.id
    assert case.status is CaseStatus.WITHDRAWN


def test_a_case_that_does_not_exist_cannot_be_withdrawn() -> None:
    with pytest.raises(NotFound):
        withdraw(intake(), uuid4())


def test_a_new_question_opens_a_withdrawn_case_again_and_only_that_one_is_due() -> None:
    scenario = intake()
    ask(scenario, Topic.T26)
    case = the_case(scenario)
    withdraw(scenario, case.id)
    reopened, question = ask(scenario, Topic.T01, on=TUESDAY, case_id=case.id)
    assert reopened == CaseReopened(case_id=case.id, reopened_on=TUESDAY)
    assert isinstance(question, QuestionReceived)
    assert (case.status, case.due_on) == (CaseStatus.OPEN, date(2026, 11, 26))
    assert [type(event) for event in withdraw(scenario, case.id)] == [CaseClosed]


def test_a_question_that_joins_an_open_case_opens_nothing() -> None:
    scenario = intake()
    ask(scenario)
    assert [type(event) for event in ask(scenario, case_id=the_case(scenario).id)] == [QuestionReceived]
