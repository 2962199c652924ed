"""Pof on a real PostgreSQL; every event is delivered twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.actors import UserRole
from chassis.handling import Refused
from chassis.persistence.tables import tables_of
from chassis.record import Outcome
from chassis.service import Service
from chassis.testing.builders import END_OF_TIME
from chassis.testing.harness import ServiceUnderTest
from contracts.pof import Evidence, ProgrammatieAnnounced, ProgrammatieSubmitted
from services.pof.app import build
from services.pof.application.commands import SubmitDossier
from services.pof.application.views import DossierView
from services.pof.domain.dossier import Dossier
from services.pof.projections.learner import SearchingLearner
from services.pof.projections.workplace import RegisteredWorkplace
from services.pof.settings import PofSettings
from tests.builders import a_learner_at_risk, a_learner_search, a_workplace, some_evidence
from tests.unit.pof.builders import an_announcement
from tests.unit.pof.test_submitted_by_a_partner import an_application

KEY = {"Idempotency-Key": "announcement-1"}


@pytest.fixture(scope="session")
def service() -> Service:
    return build(PofSettings(database_url="unused"))


@pytest.fixture
async def http(under_test: ServiceUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service's own HTTP application."""
    async with under_test.http(UserRole.POF_SECRETARY) as client:
        yield client


def body(**given: Any) -> dict[str, Any]:
    return an_announcement().model_dump(mode="json") | given


async def announce(under_test: ServiceUnderTest, key: str | None = None, **given: Any) -> DossierView:
    return await under_test.execute(an_announcement(**given), DossierView, key)


def a_submission(dossier: DossierView, **given: Any) -> SubmitDossier:
    return SubmitDossier(**{"dossier_id": dossier.dossier_id, "agodi_reference": "AGODI-2026-1"} | given)


async def sequences(under_test: ServiceUnderTest) -> list[int]:
    async with under_test.store.transaction() as transaction:
        return [row.record.sequence for row in await transaction.outbox.unpublished(100, END_OF_TIME)]


async def test_the_migration_makes_what_the_tables_say(service: Service, service_database: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        metadata = tables_of(service.mappers)
        own = metadata.tables.keys()
        options = {"include_name": lambda name, kind, _: kind != "table" or name in own}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    engine = create_async_engine(service_database.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_a_dossier_that_is_announced_and_submitted_publishes_two_events_in_order(
    under_test: ServiceUnderTest,
) -> None:
    dossier = await announce(under_test)
    await under_test.execute(a_submission(dossier), DossierView)
    announced, submitted = await under_test.events()
    assert isinstance(announced, ProgrammatieAnnounced)
    assert isinstance(submitted, ProgrammatieSubmitted)
    assert announced.dossier_id == submitted.dossier_id == dossier.dossier_id
    assert submitted.deadline_kept is True
    assert await sequences(under_test) == [1, 2]


async def test_what_is_kept_is_what_was_answered(under_test: ServiceUnderTest) -> None:
    answer = await under_test.execute(a_submission(await announce(under_test)), DossierView)
    (dossier,) = await under_test.all(Dossier)
    assert DossierView.of(dossier) == answer


async def test_the_same_key_gets_the_very_same_answer_and_publishes_nothing_new(under_test: ServiceUnderTest) -> None:
    dossier = await announce(under_test, key="announcement-1")
    submitted = await under_test.execute(a_submission(dossier), DossierView, "submission-1")
    await under_test.deliver(a_workplace())
    assert await announce(under_test, key="announcement-1") == dossier
    assert await under_test.execute(a_submission(dossier), DossierView, "submission-1") == submitted
    assert len(await under_test.events()) == 2


async def test_of_four_announcements_at_the_same_moment_one_is_accepted(under_test: ServiceUnderTest) -> None:
    answers = await asyncio.gather(*(announce(under_test) for _ in range(4)), return_exceptions=True)
    assert Counter(map(type, answers)) == {DossierView: 1, Refused: 3}
    assert len(await under_test.events()) == 1


async def test_of_four_submissions_at_the_same_moment_one_is_accepted(under_test: ServiceUnderTest) -> None:
    command = a_submission(await announce(under_test))
    answers = await asyncio.gather(
        *(under_test.execute(command, DossierView) for _ in range(4)), return_exceptions=True
    )
    assert Counter(map(type, answers)) == {DossierView: 1, Refused: 3}
    assert await sequences(under_test) == [1, 2]


async def published_evidence(under_test: ServiceUnderTest) -> Evidence:
    """The evidence of the last dossier that was published."""
    event = (await under_test.events())[-1]
    assert isinstance(event, ProgrammatieAnnounced | ProgrammatieSubmitted)
    return event.evidence


async def test_people_do_not_see_a_number_of_learners_below_five(under_test: ServiceUnderTest) -> None:
    await under_test.deliver(*(a_learner_search() for _ in range(4)))
    assert (await announce(under_test)).evidence.learners_searching == "<5"
    await under_test.deliver(a_learner_search())
    assert (await announce(under_test, site="brugge-2")).evidence.learners_searching == "5"


async def test_a_workplace_and_a_learner_count_once_however_often_they_arrive(under_test: ServiceUnderTest) -> None:
    workplace, search = a_workplace(open_positions=2), a_learner_search()
    assert await under_test.deliver(workplace, search) == [Outcome.HANDLED, Outcome.HANDLED]
    # Other events about the same workplace and the same learner: no duplicates, and still one of each is counted.
    await under_test.deliver(workplace, search)
    await announce(under_test)
    assert await published_evidence(under_test) == some_evidence(
        workplaces_registered=1, open_positions=2, learners_searching=1
    )


async def test_a_workplace_that_moves_to_another_programme_is_evidence_there(under_test: ServiceUnderTest) -> None:
    workplace, search = a_workplace(), a_learner_search()
    moved = {"programme": "93"}
    await under_test.deliver(workplace, search, workplace.model_copy(update=moved), search.model_copy(update=moved))
    await announce(under_test)
    assert await published_evidence(under_test) == some_evidence()
    await announce(under_test, programme="93")
    assert await published_evidence(under_test) == some_evidence(
        workplaces_registered=1, open_positions=1, learners_searching=1
    )
    assert len(await under_test.all(RegisteredWorkplace)) == len(await under_test.all(SearchingLearner)) == 1


async def test_events_that_are_not_pofs_business_are_ignored(under_test: ServiceUnderTest) -> None:
    assert await under_test.deliver(a_learner_at_risk()) == [Outcome.IGNORED]


async def test_over_http_a_dossier_is_announced_submitted_and_looked_at(http: httpx.AsyncClient) -> None:
    announced = await http.post("/dossiers", json=body(), headers=KEY)
    assert announced.status_code == 201
    dossier = announced.json()
    assert (dossier["status"], dossier["deadline"], dossier["subregion"]) == ("ANNOUNCED", "2026-11-30", "BRUGGE")
    assert dossier["evidence"]["counted_on"] == "2026-11-23"

    path = f"/dossiers/{dossier['dossier_id']}"
    submitted = await http.post(f"{path}/submit", json={"agodi_reference": "AGODI-2026-1"}, headers=KEY)
    assert submitted.status_code == 200
    assert (submitted.json()["deadline"], submitted.json()["deadline_kept"]) == ("2026-11-30", True)

    assert (await http.get(path)).json() == submitted.json()
    assert (await http.get("/dossiers")).json() == [submitted.json()]


async def test_over_http_the_same_key_and_body_get_the_same_answer(http: httpx.AsyncClient) -> None:
    first = await http.post("/dossiers", json=body(), headers=KEY)
    again = await http.post("/dossiers", json=body(), headers=KEY)
    assert (again.status_code, again.json()) == (201, first.json())

    path = f"/dossiers/{first.json()['dossier_id']}/submit"
    submission = {"agodi_reference": "AGODI-2026-1"}
    submitted = await http.post(path, json=submission, headers=KEY)
    replayed = await http.post(path, json=submission, headers=KEY)
    assert (replayed.status_code, replayed.json()) == (200, submitted.json())


async def test_the_newest_dossiers_come_first_and_not_too_many(
    http: httpx.AsyncClient, under_test: ServiceUnderTest
) -> None:
    await announce(under_test, site="first")
    under_test.now = under_test.now.replace(day=24)
    await announce(under_test, site="second")
    assert [one["site"] for one in (await http.get("/dossiers")).json()] == ["second", "first"]
    assert [one["site"] for one in (await http.get("/dossiers", params={"limit": 1})).json()] == ["second"]


async def test_the_list_is_read_page_by_page_and_what_comes_meanwhile_moves_nothing(
    http: httpx.AsyncClient, under_test: ServiceUnderTest
) -> None:
    async def page(**after: str) -> list[str]:
        return [one["dossier_id"] for one in (await http.get("/dossiers", params={"limit": "2"} | after)).json()]

    for number in range(5):
        under_test.now = under_test.now.replace(day=23 + number // 3)
        await announce(under_test, site=f"site-{number}")
    everything = [one["dossier_id"] for one in (await http.get("/dossiers")).json()]
    seen = await page()
    under_test.now = under_test.now.replace(day=25)
    await announce(under_test, site="newer-than-all")
    while more := await page(after=seen[-1]):
        seen += more
    assert seen == everything


@pytest.mark.parametrize(
    ("fitting", "other"),
    [
        ({"programme": "93"}, {"programme": "88"}),
        ({"institution": "34082"}, {"institution": "34074"}),
        ({"school_year": "2028-2029"}, {"school_year": "2027-2028"}),
        ({"status": "ANNOUNCED"}, {"status": "SUBMITTED"}),
        ({"subregion": "BRUGGE"}, {"subregion": "WESTHOEK"}),
    ],
    ids=",".join,
)
async def test_the_list_shows_what_fits(
    http: httpx.AsyncClient, under_test: ServiceUnderTest, fitting: dict[str, str], other: dict[str, str]
) -> None:
    await announce(under_test, **{name: fitting[name] for name in fitting.keys() - {"status", "subregion"}})
    assert len((await http.get("/dossiers", params=fitting)).json()) == 1
    assert (await http.get("/dossiers", params=other)).json() == []


async def test_a_filter_that_does_not_exist_is_named(http: httpx.AsyncClient) -> None:
    assert fields_of(problem_of(await http.get("/dossiers", params={"year": "2027"}), 422)) == ["year"]
    assert fields_of(problem_of(await http.get("/dossiers", params={"limit": 0}), 422)) == ["limit"]


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    return problem


def fields_of(problem: dict[str, Any]) -> list[str]:
    return [error["field"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"schoolyear": "2027-2028"}, "schoolyear"),
        ({"education_type": "deeltijds"}, "education_type"),
        ({"school_year": "2027-2028\x00"}, "school_year"),
        ({"institution": "99999"}, "institution"),
        ({"school_year": "2027-2029"}, "school_year"),
        ({"site": None}, "site"),
    ],
)
async def test_a_wrong_field_is_named(http: httpx.AsyncClient, wrong: dict[str, Any], field: str) -> None:
    problem = problem_of(await http.post("/dossiers", json=body(**wrong)), 422)
    assert fields_of(problem) == [field]


async def test_a_missing_reference_of_agodi_is_named(http: httpx.AsyncClient) -> None:
    dossier = (await http.post("/dossiers", json=body())).json()
    answer = await http.post(f"/dossiers/{dossier['dossier_id']}/submit", json={})
    assert fields_of(problem_of(answer, 422)) == ["agodi_reference"]


async def test_a_second_submission_says_when_the_first_one_was(http: httpx.AsyncClient) -> None:
    dossier = (await http.post("/dossiers", json=body())).json()
    path = f"/dossiers/{dossier['dossier_id']}/submit"
    await http.post(path, json={"agodi_reference": "AGODI-2026-1"})
    problem = problem_of(await http.post(path, json={"agodi_reference": "AGODI-2026-1"}), 422)
    assert (fields_of(problem), problem["detail"]) == (["dossier_id"], "Dit dossier is al ingediend op 23/11/2026.")


async def test_an_unknown_dossier_is_not_found(http: httpx.AsyncClient) -> None:
    path = f"/dossiers/{uuid4()}"
    for answer in (await http.get(path), await http.post(f"{path}/submit", json={"agodi_reference": "AGODI-1"})):
        assert "kennen we niet. Kijk het nummer na." in problem_of(answer, 404)["detail"]


async def test_a_key_that_was_used_for_something_else_is_a_conflict(http: httpx.AsyncClient) -> None:
    await http.post("/dossiers", json=body(), headers=KEY)
    problem = problem_of(await http.post("/dossiers", json=body(site="brugge-2"), headers=KEY), 409)
    assert fields_of(problem) == ["Idempotency-Key"]


async def test_a_body_that_is_not_json_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/dossiers", content=b"{", headers={"Content-Type": "application/json"})
    assert problem_of(answer, 400)["title"] == "Geen geldige JSON"


async def test_an_application_that_a_partner_reports_submits_the_dossier(under_test: ServiceUnderTest) -> None:
    dossier = await announce(under_test)
    await under_test.deliver(a_workplace(programme="88"))
    assert await under_test.deliver(an_application()) == [Outcome.HANDLED]
    submitted = [event for event in await under_test.events() if isinstance(event, ProgrammatieSubmitted)]
    assert [(event.dossier_id, event.evidence.workplaces_registered) for event in submitted] == [
        (dossier.dossier_id, 1)
    ]
