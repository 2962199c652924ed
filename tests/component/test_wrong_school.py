"""A school's account acts for that school alone: every route that schools may use is tried for another school."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import pytest

from chassis.access import Only
from chassis.actors import UserRole
from chassis.service import Service
from chassis.testing.harness import ServiceUnderTest
from services.intake.app import build as build_intake
from services.intake.settings import IntakeSettings
from services.pof.app import build as build_pof
from services.pof.application.views import DossierView
from services.pof.settings import PofSettings
from tests.architecture.test_access import routes_of
from tests.unit.pof.builders import an_announcement

OURS, OTHER = "34074", "34462"


class Example(NamedTuple):
    """A request for OURS."""

    method: str
    path: str
    body: dict[str, Any] | None = None


LEARNER = {"school": OURS, "reference": "leerling-17"}
INTAKE = [
    Example("POST", "/risk-reports", {**LEARNER, "signal": "R1", "reported_by": "SCHOOL"}),
    Example("POST", "/learner-searches", {**LEARNER, "programme": "88"}),
    Example("GET", "/mijn-werk"),
]
POF = [
    Example("POST", "/dossiers", an_announcement(institution=OURS, school_year="2028-2029").model_dump(mode="json")),
    Example("POST", "/dossiers/{dossier_id}/submit", {"agodi_reference": "AGODI-1"}),
    Example("GET", "/dossiers/{dossier_id}"),
    Example("GET", "/dossiers"),
]
SHOWS_ITS_OWN = {("GET", "/mijn-werk"), ("GET", "/dossiers")}
"""These answer everybody, each with what is theirs."""


@pytest.fixture(params=["intake", "pof"], scope="session")
def service(request: pytest.FixtureRequest) -> Service:
    if request.param == "intake":
        return build_intake(IntakeSettings(database_url="unused"))
    return build_pof(PofSettings(database_url="unused"))


@pytest.fixture
def examples(service: Service) -> list[Example]:
    return INTAKE if service.name == "intake" else POF


@pytest.fixture
async def dossier(under_test: ServiceUnderTest) -> AsyncIterator[str]:
    """The id of a dossier of OURS, where there are dossiers."""
    if under_test.service.name != "pof":
        yield ""
        return
    view = await under_test.execute(an_announcement(institution=OURS), DossierView)
    yield str(view.dossier_id)


def test_every_route_for_schools_has_an_example(under_test: ServiceUnderTest, examples: list[Example]) -> None:
    app = under_test.app()
    for_schools = {
        (route.method, route.path)
        for route in routes_of(under_test.service.name, app)
        if any(isinstance(one, Only) and UserRole.SCHOOL in one.roles for one in route.access)
    }
    assert {(one.method, one.path) for one in examples} == for_schools


async def test_a_school_acts_for_itself_and_for_no_other(
    under_test: ServiceUnderTest, examples: list[Example], dossier: str
) -> None:
    for one in examples:
        path = one.path.replace("{dossier_id}", dossier)
        async with under_test.http(UserRole.SCHOOL, institution=OTHER) as other:
            refused = await _send(other, one, path)
        if (one.method, one.path) in SHOWS_ITS_OWN:
            assert refused.status_code == 200
            assert OURS not in refused.text
        else:
            assert refused.status_code == 403, one
            assert "andere school" in refused.json()["detail"]
        async with under_test.http(UserRole.SCHOOL, institution=OURS) as ours:
            assert (await _send(ours, one, path)).status_code < 300, one


async def _send(client: httpx.AsyncClient, one: Example, path: str) -> httpx.Response:
    return await client.request(one.method, path, json=one.body) if one.body else await client.request(one.method, path)
