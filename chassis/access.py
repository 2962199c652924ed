"""Who may use a route: every route of every service says it, with one of these as a dependency.

@router.get("/cases")
async def show_cases(actor: Annotated[Actor, only(UserRole.OPERATOR)]) -> ...
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import Depends
from starlette.requests import Request

from chassis.actors import PUBLIC, Actor, UserRole, Way
from chassis.handling import Forbidden, NotFound
from chassis.private_links import hash_of
from chassis.same_origin import check_same_origin
from chassis.tokens import InvalidToken, Tokens

SESSION = "sessie"
"""The cookie with the provider's own token."""


class NotSignedIn(Exception):
    """The route asks for a login, and there is none that is valid."""


class Access(ABC):
    """Who may use a route. As a dependency it gives the actor."""

    @abstractmethod
    async def __call__(self, request: Request) -> Any:
        """The actor.

        Raises:
            NotSignedIn, Forbidden, NotFromHere, NotFound: the request may not go on.
        """


@dataclass(frozen=True)
class Only(Access):
    """Those who logged in, or sent a token, and have one of these roles."""

    roles: frozenset[UserRole]

    async def __call__(self, request: Request) -> Actor:
        actor = await viewer(request)
        if actor is None:
            raise NotSignedIn
        if actor.way is Way.PAGE:
            await check_same_origin(request, request.cookies.get(SESSION))
        if not actor.may(*self.roles):
            raise Forbidden("Uw account mag dit niet bekijken of doen. Vraag de coördinator om de juiste rol.")
        return actor


@dataclass(frozen=True)
class Anyone(Access):
    """Everybody, without a login; the actor is nobody in particular, also when somebody is logged in."""

    why: str

    async def __call__(self, request: Request) -> Actor:
        await viewer(request)
        await check_same_origin(request, None)
        return PUBLIC


@dataclass(frozen=True)
class LinkedTo:
    """What a private link is about, and the actor that follows it."""

    about: UUID
    actor: Actor


FindLink = Callable[[str], Awaitable[tuple[UUID, UUID] | None]]
"""By the hash of a token: the id of a link that is valid now, and what it is about."""


@dataclass(frozen=True)
class ByLink(Access):
    """Whoever has a private link: the route's path has its `token`."""

    find: FindLink

    async def __call__(self, request: Request) -> LinkedTo:
        await viewer(request)
        await check_same_origin(request, None, secret_address=True)
        found = await self.find(hash_of(request.path_params["token"]))
        if found is None:
            # The same answer for unknown, expired and withdrawn.
            raise NotFound("Deze link werkt niet (meer). Stel gerust een nieuwe vraag, of bel ons.")
        link, about = found
        request.state.linked = LinkedTo(about, Actor(f"link {link}", Way.LINK))
        return linked(request)


def linked(request: Request) -> LinkedTo:
    """What the private link of this request is about; for a route with `ByLink`."""
    found: LinkedTo = request.state.linked
    return found


@dataclass(frozen=True)
class ByPartnerToken(Access):
    """A partner, by the token of its organisation; the route checks it, because it answers in its own way."""

    async def __call__(self, request: Request) -> None:
        """Nothing: the route does it."""


def only(*roles: UserRole) -> Any:
    """A login with one of these roles."""
    return Depends(Only(frozenset(roles)))


def anyone(why: str) -> Any:
    """No login; `why` says the reason to whoever reads the list of open routes."""
    return Depends(Anyone(why))


async def viewer(request: Request) -> Actor | None:
    """Who is logged in, if anybody: by the Authorization header, or by the cookie. Kept for the layout of pages."""
    if not hasattr(request.state, "viewer"):
        request.state.viewer = await _viewer(request)
    found: Actor | None = request.state.viewer
    return found


async def _viewer(request: Request) -> Actor | None:
    tokens: Tokens | None = request.app.state.tokens
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    cookie = request.cookies.get(SESSION)
    if tokens is None or not (bearer or cookie):
        return None
    try:
        if bearer:
            return await tokens.actor(bearer.strip(), Way.API) if scheme.lower() == "bearer" else None
        assert cookie
        return await tokens.actor(cookie, Way.PAGE)
    except InvalidToken:
        return None
