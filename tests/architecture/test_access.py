"""Every route of every service says who may use it, and means it."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from chassis.access import Access, Anyone, ByLink, ByPartnerToken, Only
from chassis.actors import UserRole
from chassis.commands import Commands
from chassis.execution import Executor
from chassis.handling import handlers_of
from chassis.http import create_app
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.settings import Settings
from chassis.testing.builders import NOON
from chassis.testing.fakes import MemoryStore
from chassis.testing.tokens import bearer, tokens
from deploy.services import SERVICES
from tests.partners import MANIFESTS

OPEN = {
    "/",
    "/aanmelden",
    "/aanmelden/terug",
    "/afmelden",
    "/live",
    "/metrics",
    "/privacy",
    "/ready",
    "/static/{name}",
    "/toegankelijkheid",
    "/vraag",
}
"""The routes that ask nobody who they are. A new one belongs here only when everybody may use it."""


class NoLinks:
    """A database without any private link."""

    async def fetchrow(self, *_: object) -> None:
        return None


class Route(NamedTuple):
    """One route of one service, and who it says may use it."""

    service: str
    method: str
    path: str
    access: list[Any]

    @property
    def address(self) -> str:
        """A path of it."""
        parts = [str(uuid4()) if part.startswith("{") else part for part in self.path.split("/")]
        return "/".join(parts)


def app_of(name: str, **settings: Any) -> FastAPI:
    """The HTTP application of a service, as a process serves it."""
    app = import_module(f"services.{name}.app")
    kind = next(one for one in vars(import_module(f"services.{name}.settings")).values() if _is_settings(one))
    service = app.build(kind(database_url="unused", oidc_issuer="https://login.test", **settings))
    executor = Executor(name, MemoryStore(), now=lambda: NOON)
    commands = Commands(name, handlers_of(service.handlers), executor, Metrics(), now=lambda: NOON)
    routes = service.routes(commands, NoLinks()) if service.routes else None
    return create_app(name, Health(), Metrics(), routes, tokens())


def _is_settings(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, Settings) and one is not Settings


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FastAPI]:
    hashes = tmp_path_factory.mktemp("tokens") / "hashes.json"
    hashes.write_text("{}".replace("}", f'"unizo": "{"0" * 64}"}}'))
    own = {"intake": {"partners": MANIFESTS, "partner_tokens": hashes}}
    return {name: app_of(name, **own.get(name, {})) for name in SERVICES}


def routes_of(name: str, app: FastAPI) -> Iterator[Route]:
    """Every route, whoever made it."""
    for route in app.routes:
        if isinstance(route, APIRoute):
            access = [one.call for one in _all(route.dependant) if isinstance(one.call, Access)]
            for method in sorted(route.methods or ()):
                yield Route(name, method, route.path, access)
        elif getattr(route, "path", "") != "/openapi.json":
            yield Route(name, "?", getattr(route, "path", str(route)), [])


def _all(dependant: Dependant) -> Iterator[Dependant]:
    for one in dependant.dependencies:
        yield one
        yield from _all(one)


def undeclared(routes: Iterator[Route]) -> list[tuple[str, str]]:
    """The routes that do not say, exactly once, who may use them."""
    return [(one.method, one.path) for one in routes if len({repr(access) for access in one.access}) != 1]


@pytest.mark.parametrize("name", SERVICES)
def test_every_route_says_who_may_use_it(name: str, apps: dict[str, FastAPI]) -> None:
    assert undeclared(routes_of(name, apps[name])) == []


def test_a_route_that_says_nothing_is_found() -> None:
    router = APIRouter()

    @router.get("/everything")
    async def show() -> None: ...

    app = create_app("tally", Health(), Metrics(), router)
    assert undeclared(routes_of("tally", app)) == [("GET", "/everything")]


def test_the_open_routes_are_these(apps: dict[str, FastAPI]) -> None:
    routes = [route for name, app in apps.items() for route in routes_of(name, app)]
    found = {route.path for route in routes if any(isinstance(access, Anyone) for access in route.access)}
    assert found == OPEN


@pytest.mark.parametrize("name", SERVICES)
async def test_without_a_login_or_with_another_role_nobody_comes_in(name: str, apps: dict[str, FastAPI]) -> None:
    transport = httpx.ASGITransport(apps[name], raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{name}") as client:
        for route in routes_of(name, apps[name]):
            (access,) = {*route.access}
            match access:
                case Only(roles):
                    others = [role for role in UserRole if role not in roles]
                    wrong = bearer(*others, institution="34074")
                    assert await _status(client, route) == 401, route
                    assert await _status(client, route, {"Authorization": "Bearer geen.token.hier"}) == 401, route
                    assert not others or await _status(client, route, wrong) == 403, route
                case ByLink():
                    origin = {"origin": f"http://{name}"}
                    assert await _status(client, route, origin) == 404, route
                    assert await _status(client, route, {**origin, **bearer(*UserRole, institution="1")}) == 404, route
                case ByPartnerToken():
                    assert await _status(client, route) == 401, route
                    assert await _status(client, route, bearer(*UserRole, institution="1")) == 401, route


async def _status(client: httpx.AsyncClient, route: Route, headers: dict[str, str] | None = None) -> int:
    body: dict[str, Any] = {} if route.method == "GET" else {"json": {}}
    return (await client.request(route.method, route.address, headers=headers, **body)).status_code
