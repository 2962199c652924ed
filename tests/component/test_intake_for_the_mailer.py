"""What a program with the role `mailer` may ask of intake, on a real PostgreSQL; every reading leaves its audit row."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chassis.actors import UserRole
from chassis.persistence.audit import AuditRow, audit_about
from chassis.private_links import hash_of
from chassis.service import Service
from chassis.testing.builders import NOON
from chassis.testing.harness import ServiceUnderTest
from services.intake.app import build
from services.intake.domain.link import CaseLink
from services.intake.settings import IntakeSettings

FOLLOW = "https://duaal.example/vraag/volg/"
QUESTION = {
    "audience": "OUDER",
    "text": "Wat is duaal leren?",
    "contact": {"name": "Griet", "email": "griet@burger.example.org", "phone": "051 20 30 40"},
}
WORKPLACE = {
    "company": "Bakkerij Kruim",
    "enterprise_number": "0203.430.576",
    "postal_code": "8000",
    "programme": "88",
    "contact": {"name": "Bart", "email": "bart@kruim.example.org"},
}


@pytest.fixture(scope="session")
def service() -> Service:
    return build(IntakeSettings(database_url="unused", public_url="https://duaal.example"))


@pytest.fixture
async def mailer(under_test: ServiceUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with under_test.http(UserRole.MAILER) as client:
        yield client


async def accepted(under_test: ServiceUnderTest, path: str, body: dict[str, Any]) -> dict[str, str]:
    async with under_test.http(UserRole.OPERATOR) as operator:
        answer = await operator.post(path, json=body)
    assert answer.status_code == 202, answer.text
    receipt: dict[str, str] = answer.json()
    return receipt


async def readings_of(under_test: ServiceUnderTest, id_: str) -> list[tuple[str, str, str]]:
    rows: list[AuditRow] = await audit_about(under_test.pool, [UUID(id_)])
    return [(row.action, row.way, row.roles) for row in rows if row.action.startswith("Read")]


async def test_the_contact_of_a_question_and_that_it_was_read(
    under_test: ServiceUnderTest, mailer: httpx.AsyncClient
) -> None:
    asked = await accepted(under_test, "/questions", QUESTION)
    answer = await mailer.get(f"/contacts/{asked['question_id']}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "id": asked["question_id"],
        "person": "Griet",
        "email": "griet@burger.example.org",
        "phone": "051 20 30 40",
        "organisation": None,
    }
    assert await readings_of(under_test, asked["question_id"]) == [("ReadContact", "api", "mailer")]


async def test_the_contact_of_a_workplace(under_test: ServiceUnderTest, mailer: httpx.AsyncClient) -> None:
    offered = await accepted(under_test, "/workplaces", WORKPLACE)
    contact = (await mailer.get(f"/contacts/{offered['workplace_id']}")).json()
    assert (contact["email"], contact["organisation"]) == ("bart@kruim.example.org", "Bakkerij Kruim")


async def test_who_left_nothing_is_known_but_has_no_address(
    under_test: ServiceUnderTest, mailer: httpx.AsyncClient
) -> None:
    asked = await accepted(under_test, "/questions", {"audience": "OUDER", "text": "Wat is duaal leren?"})
    answer = await mailer.get(f"/contacts/{asked['question_id']}")
    assert (answer.status_code, answer.json()["email"]) == (200, None)


async def test_nobody_is_behind_an_unknown_id(mailer: httpx.AsyncClient) -> None:
    answer = await mailer.get(f"/contacts/{uuid4()}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "Van deze vraag of werkplek kennen we niemand."


async def test_a_new_link_opens_the_page_of_its_case(under_test: ServiceUnderTest, mailer: httpx.AsyncClient) -> None:
    asked = await accepted(under_test, "/questions", QUESTION)
    answer = await mailer.post(f"/cases/{asked['case_id']}/links")
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    token = answer.json()["address"].removeprefix(FOLLOW)
    async with under_test.http() as nobody:
        page = await nobody.get(f"/vraag/volg/{token}", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "Wat is duaal leren?" in page.text


async def test_who_made_a_link_is_in_the_audit(under_test: ServiceUnderTest, mailer: httpx.AsyncClient) -> None:
    asked = await accepted(under_test, "/questions", QUESTION)
    await mailer.post(f"/cases/{asked['case_id']}/links")
    (link,) = await under_test.all(CaseLink)
    (row,) = await audit_about(under_test.pool, [link.id])
    assert (row.action, row.way, row.roles, row.at) == ("MakeLink", "api", "mailer", NOON)


async def test_asked_again_there_is_another_link_and_the_first_keeps_working(
    under_test: ServiceUnderTest, mailer: httpx.AsyncClient
) -> None:
    asked = await accepted(under_test, "/questions", QUESTION)
    key = {"Idempotency-Key": "the-same-mail-again"}
    answers = [await mailer.post(f"/cases/{asked['case_id']}/links", headers=key) for _ in range(2)]
    tokens = [answer.json()["address"].removeprefix(FOLLOW) for answer in answers]
    hashes = {link.token_hash for link in await under_test.all(CaseLink)}
    assert hashes == {hash_of(token) for token in tokens}
    assert len(hashes) == 2


async def test_no_table_holds_a_token(under_test: ServiceUnderTest, mailer: httpx.AsyncClient) -> None:
    asked = await accepted(under_test, "/questions", QUESTION)
    key = {"Idempotency-Key": "the-answer-is-not-kept"}
    answer = await mailer.post(f"/cases/{asked['case_id']}/links", headers=key)
    token = answer.json()["address"].removeprefix(FOLLOW)
    assert len(token) == 40
    tables = await under_test.pool.fetch("select tablename from pg_tables where schemaname = 'public'")
    for (table,) in tables:
        assert token not in str(await under_test.pool.fetch(f'select t::text from "{table}" t')), table


async def test_a_case_that_is_unknown_gets_no_link(under_test: ServiceUnderTest, mailer: httpx.AsyncClient) -> None:
    answer = await mailer.post(f"/cases/{uuid4()}/links")
    assert (answer.status_code, answer.json()["detail"]) == (404, "Dit dossier kennen we niet.")
    assert await under_test.all(CaseLink) == []


async def test_nobody_else_reads_an_address_or_makes_a_link(under_test: ServiceUnderTest) -> None:
    asked = await accepted(under_test, "/questions", QUESTION)
    others = [role for role in UserRole if role is not UserRole.MAILER]
    async with under_test.http(*others, institution="34074") as client:
        assert (await client.get(f"/contacts/{asked['question_id']}")).status_code == 403
        assert (await client.post(f"/cases/{asked['case_id']}/links")).status_code == 403
    assert await readings_of(under_test, asked["question_id"]) == []
    assert await under_test.all(CaseLink) == []


async def test_a_mailer_may_do_nothing_else(mailer: httpx.AsyncClient) -> None:
    assert (await mailer.post("/questions", json=QUESTION)).status_code == 403
    assert (await mailer.get("/balie")).status_code == 403
