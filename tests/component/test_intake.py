"""Intake over HTTP on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from chassis.actors import UserRole
from chassis.commands import Commands
from chassis.execution import Executor
from chassis.handling import handlers_of
from chassis.http import LARGEST_BODY
from chassis.observability.metrics import Metrics
from chassis.service import Service
from chassis.testing.builders import NOON
from chassis.testing.harness import ServiceUnderTest
from contracts.intake import LearnerSearchStarted, QuestionReceived
from services.intake.app import build
from services.intake.application.commands import AskQuestion, QuestionReceipt
from services.intake.domain.learner import Learner
from services.intake.domain.vault import VaultEntry
from services.intake.settings import IntakeSettings
from tests.chassis.conftest import WithoutTransactions

QUESTION = {"audience": "OUDER", "text": "Wat is duaal leren?", "postal_code": "8000"}
SEARCH = {"school": "34074", "reference": "leerling-17", "programme": "88"}
KEY = {"Idempotency-Key": "form-2026-0001"}


@pytest.fixture(scope="session")
def service() -> Service:
    return build(IntakeSettings(database_url="unused"))


@pytest.fixture
async def http(under_test: ServiceUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with under_test.http(UserRole.OPERATOR) as client:
        yield client


async def test_an_accepted_question_is_kept_and_published_once(
    http: httpx.AsyncClient, under_test: ServiceUnderTest
) -> None:
    response = await http.post("/questions", json=QUESTION)
    assert response.status_code == 202
    (event,) = await under_test.events()
    assert isinstance(event, QuestionReceived)
    assert response.json()["question_id"] == str(event.question_id)
    (entry,) = await under_test.all(VaultEntry)
    assert entry.words == QUESTION["text"]


async def test_a_question_that_opens_a_case_is_kept_in_one_statement(under_test: ServiceUnderTest) -> None:
    executor = Executor("intake", WithoutTransactions(under_test.store), now=lambda: NOON)
    commands = Commands("intake", handlers_of(under_test.service.handlers), executor, Metrics(), now=lambda: NOON)
    question = AskQuestion.model_validate({"audience": "OUDER", "text": "Is duaal leren iets voor mijn zoon?"})
    receipt = await commands.execute(question, QuestionReceipt, "the-key-of-a-question")
    (event,) = await under_test.events()
    assert isinstance(event, QuestionReceived)
    assert event.question_id == receipt.question_id


async def test_the_same_idempotency_key_gets_the_same_answer_and_has_no_second_effect(
    http: httpx.AsyncClient, under_test: ServiceUnderTest
) -> None:
    answers = await asyncio.gather(*(http.post("/questions", json=QUESTION, headers=KEY) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len(await under_test.events()) == 1


async def test_an_idempotency_key_of_another_question_is_refused(
    http: httpx.AsyncClient, under_test: ServiceUnderTest
) -> None:
    await http.post("/questions", json=QUESTION, headers=KEY)
    response = await http.post("/questions", json=QUESTION | {"text": "Iets anders"}, headers=KEY)
    assert response.status_code == 409
    assert response.json()["errors"][0]["field"] == "Idempotency-Key"
    assert len(await under_test.events()) == 1


async def test_two_first_searches_of_one_learner_at_once_are_one_learner(
    http: httpx.AsyncClient, under_test: ServiceUnderTest
) -> None:
    answers = await asyncio.gather(*(http.post("/learner-searches", json=SEARCH) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {202}
    (learner,) = await under_test.all(Learner)
    events = await under_test.events()
    assert {event.learner_id for event in events if isinstance(event, LearnerSearchStarted)} == {learner.id}
    assert (len(events), learner.version) == (4, 4)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (QUESTION | {"postcode": "8000"}, 422, "postcode"),
        (QUESTION | {"postal_code": "8888"}, 422, "postal_code"),
        (QUESTION | {"audience": "KONING"}, 422, "audience"),
        (QUESTION | {"contact": {"email": "geen adres"}}, 422, "contact.email"),
        ({"audience": "OUDER"}, 422, "text"),
        (QUESTION | {"text": "x" * (LARGEST_BODY + 1)}, 413, None),
        ([], 422, "body"),
    ],
)
async def test_a_bad_question_is_refused_by_field_and_leaves_nothing(
    http: httpx.AsyncClient, under_test: ServiceUnderTest, body: Any, status: int, field: str | None
) -> None:
    response = await http.post("/questions", json=body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    if field:
        assert field in [error["field"] for error in response.json()["errors"]]
    assert await under_test.events() == []
    assert await under_test.all(VaultEntry) == []


@pytest.mark.parametrize("body", [b"geen json", b"", b"\xff\xfe", b'{"audience": NaN'])
async def test_a_body_that_is_not_json_is_said_to_be_so(http: httpx.AsyncClient, body: bytes) -> None:
    response = await http.post("/questions", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"


async def test_the_api_describes_itself(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    for_the_mailer = {"/contacts/{id_}", "/cases/{case_id}/links"}
    assert set(paths) == {"/questions", "/risk-reports", "/learner-searches", "/workplaces", *for_the_mailer}
