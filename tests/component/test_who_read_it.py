"""Who read this person's data? The audit answers completely, whatever way it was read."""

from uuid import UUID

import httpx
import pytest

from chassis.actors import UserRole
from chassis.persistence.audit import AuditRow, audit_about
from chassis.private_links import hash_of
from chassis.service import Service
from chassis.testing.harness import ServiceUnderTest
from contracts.vocabulary import Audience
from services.intake.app import build
from services.intake.application.commands import AskQuestion, Contact, QuestionReceipt
from services.intake.settings import IntakeSettings

TOKEN = "a-token-that-only-ann-has-0123456789abcdef"
PAGE = {"accept": "text/html"}
WORDS, NAME = "Is duaal leren iets voor mijn zoon?", "Ann Voorbeeld"


@pytest.fixture(scope="session")
def service() -> Service:
    return build(IntakeSettings(database_url="unused"))


@pytest.fixture
async def asked(under_test: ServiceUnderTest) -> QuestionReceipt:
    """A question of Ann, asked on the website."""
    command = AskQuestion(audience=Audience.OUDER, text=WORDS, contact=Contact(name=NAME), link=hash_of(TOKEN))
    return await under_test.execute(command, QuestionReceipt)


async def readings(under_test: ServiceUnderTest, question: UUID) -> list[tuple[str, str]]:
    """What was read and in which way, oldest first."""
    rows: list[AuditRow] = await audit_about(under_test.pool, [question])
    return [(row.action, row.way) for row in reversed(rows) if row.action.startswith("Read")]


async def seen(client: httpx.AsyncClient, path: str, method: str = "GET") -> str:
    answer = await client.request(method, path, headers=PAGE)
    assert answer.status_code == 200, path
    return answer.text


async def test_every_way_to_read_leaves_its_row(under_test: ServiceUnderTest, asked: QuestionReceipt) -> None:
    case, question = asked.case_id, asked.question_id
    async with under_test.http(UserRole.OPERATOR) as operator, under_test.http() as ann:
        assert WORDS in await seen(operator, "/balie?lijst=OPEN")
        assert WORDS in await seen(operator, f"/balie/{case}")
        assert NAME in await seen(operator, f"/balie/{case}/contact", "POST")
        assert WORDS in await seen(ann, f"/vraag/volg/{TOKEN}")
    assert await readings(under_test, question) == [
        ("ReadWords", "api"),
        ("ReadWords", "api"),
        ("ReadContact", "api"),
        ("ReadWords", "api"),
        ("ReadWords", "link"),
    ]


async def test_what_was_not_read_leaves_no_row(under_test: ServiceUnderTest, asked: QuestionReceipt) -> None:
    async with under_test.http(UserRole.READER) as reader, under_test.http(UserRole.OPERATOR) as operator:
        for path in ("/balie?lijst=OPEN", f"/balie/{asked.case_id}", "/balie.csv?lijst=OPEN"):
            shown = await seen(reader, path)
            assert WORDS not in shown
            assert NAME not in shown
        assert (await reader.post(f"/balie/{asked.case_id}/contact", headers=PAGE)).status_code == 403
        assert WORDS not in await seen(operator, "/balie?lijst=LATE")
        assert WORDS not in await seen(operator, "/balie.csv?lijst=OPEN")
    assert await readings(under_test, asked.question_id) == []


async def test_the_auditor_sees_who_it_was(under_test: ServiceUnderTest, asked: QuestionReceipt) -> None:
    async with under_test.http(UserRole.OPERATOR) as operator, under_test.http(UserRole.AUDITOR) as auditor:
        await seen(operator, f"/balie/{asked.case_id}/contact", "POST")
        shown = await seen(auditor, f"/balie/inzage?nummer={asked.case_id}")
    assert "Naam en contact bekeken" in shown
    assert NAME not in shown
