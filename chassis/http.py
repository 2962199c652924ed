"""The HTTP side of a service: its routes, its health, and errors as problem+json that name the field."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

import asyncpg
from fastapi import APIRouter, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from chassis.access import NotSignedIn, anyone
from chassis.commands import CALLER_LEFT
from chassis.failures import Fault, fault_of
from chassis.handling import Forbidden, NotFound, PermanentError, Refused, TransientError
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.persistence.idempotency import KeyUsedTwice
from chassis.reasons import reason_of
from chassis.same_origin import SAFE, NotFromHere
from chassis.tokens import Tokens
from chassis.web.assets import ASSETS
from chassis.web.errors import error_page
from chassis.web.pages import wants_page

LARGEST_BODY = 64 * 1024
"""Bytes of a request; a question is a few lines of text."""

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=8, max_length=200, description="Same key and body: same answer."),
]

JSON = "application/json"


def json_only(request: Request) -> None:
    """A dependency of routes that take a command: refuses a body of another kind.

    JSON is also what a page of another site cannot send in the name of who looks at it.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    has_body = "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
    if has_body and kind != JSON and not kind.endswith("+json"):
        raise HTTPException(415, f"Stuur {JSON}")


Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def create_app(
    service: str, health: Health, metrics: Metrics, routes: APIRouter | None, tokens: Tokens | None = None
) -> FastAPI:
    """The ASGI application of one process. Without `tokens` nobody can log in."""
    app = FastAPI(title=f"Duaal West - {service}", version="1", docs_url=None, redoc_url=None)
    app.state.tokens = tokens
    app.add_middleware(LimitBody)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(KeyUsedTwice, _key_used_twice)
    app.add_exception_handler(NotFound, _not_there)
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    app.add_exception_handler(Forbidden, _forbidden)
    app.add_exception_handler(NotFromHere, _not_from_here)
    app.add_exception_handler(PermanentError, _permanent)
    app.add_exception_handler(HTTPException, _http)
    for error in (OSError, TimeoutError, TransientError, asyncpg.PostgresError, asyncpg.InterfaceError):
        app.add_exception_handler(error, _trouble)
    app.add_exception_handler(Exception, _broken)
    for router in (routes, ASSETS.routes(), _operations(health, metrics)):
        # Not included, which would make a second router of it, and every request search both.
        app.router.routes += router.routes if router else []
    return app


def _operations(health: Health, metrics: Metrics) -> APIRouter:
    router = APIRouter(include_in_schema=False, dependencies=[anyone("for operators; the gateway does not pass it on")])

    @router.get("/live")
    async def live() -> JSONResponse:
        return JSONResponse({"stuck": health.stuck}, 503 if health.stuck else 200)

    @router.get("/ready")
    async def ready() -> JSONResponse:
        return JSONResponse({"waiting_for": health.not_ready}, 503 if health.not_ready else 200)

    @router.get("/metrics")
    async def exposition() -> Response:
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def problem(status: int, title: str, detail: str, errors: Sequence[Mapping[str, object]] | None = None) -> JSONResponse:
    """An RFC 9457 problem. `errors` has one entry per field: what is wrong and what to do."""
    body: dict[str, Any] = {"title": title, "status": status, "detail": detail}
    if errors:
        body["errors"] = errors
    return JSONResponse(body, status, media_type="application/problem+json")


class LimitBody:
    """Refuses a body that is larger than any honest request, before it is in memory."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        chunks: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            more = message.get("more_body", False)
            if size > LARGEST_BODY:
                answer = _answer(Request(scope), 413, "Te groot", f"De aanvraag is groter dan {LARGEST_BODY} bytes.")
                await answer(scope, receive, send)
                return
        asked_by = CALLER_LEFT.set(partial(_disconnected, receive))
        try:
            await self._app(scope, _replay(b"".join(chunks), receive), send)
        finally:
            CALLER_LEFT.reset(asked_by)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return messages.pop() if messages else await receive()

    return next_message


async def _disconnected(receive: Receive) -> bool:
    """Is there news of the connection, now that the body is read? Then it is that the caller hung up."""
    news = asyncio.ensure_future(receive())
    try:
        # One turn of the event loop: it answers at once, or it waits for something to happen.
        await asyncio.sleep(0)
        return news.done()
    finally:
        news.cancel()


def _answer(
    request: Request, status: int, title: str, detail: str, errors: Sequence[Mapping[str, object]] | None = None
) -> Response:
    """A page for who reads, a problem for who calls."""
    if wants_page(request):
        return error_page(request, status, detail)
    return problem(status, title, detail, errors)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if wants_page(request):
        return error_page(request, 404)
    if any(line["type"] == "json_invalid" for line in error.errors()):
        return problem(400, "Geen geldige JSON", "De inhoud van de aanvraag is geen geldige JSON.")
    errors = [{"field": _field(line["loc"]), "reason": reason_of(line)} for line in error.errors()]
    fields = ", ".join(dict.fromkeys(entry["field"] for entry in errors))
    return problem(422, "Ongeldige gegevens", f"Kijk deze velden na: {fields}.", errors)


def _field(location: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in location[1:]) or str(location[0])


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    errors = [{"field": error.field, "reason": error.reason}]
    return _answer(request, 422, "Niet aanvaard", error.reason, errors)


async def _key_used_twice(request: Request, _: Exception) -> Response:
    reason = "Deze sleutel hoort al bij een andere aanvraag. Gebruik voor elke nieuwe aanvraag een nieuwe sleutel."
    return _answer(request, 409, "Sleutel al gebruikt", reason, [{"field": "Idempotency-Key", "reason": reason}])


async def _not_there(request: Request, error: Exception) -> Response:
    return _answer(request, 404, "Niet gevonden", str(error))


async def _not_signed_in(request: Request, _: Exception) -> Response:
    if wants_page(request) and request.method in SAFE:
        to = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/aanmelden?{urlencode({'naar': to})}", 303, {"Cache-Control": "no-store"})
    answer = _answer(
        request, 401, "Wie bent u?", "Meld u aan, of stuur een geldig token mee als Authorization: Bearer."
    )
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


async def _forbidden(request: Request, error: Exception) -> Response:
    return _answer(request, 403, "Niet toegelaten", str(error))


async def _not_from_here(request: Request, _: Exception) -> Response:
    detail = "Deze aanvraag kwam niet van een pagina van ons. Ga terug, laad de pagina opnieuw en probeer het nog eens."
    return _answer(request, 403, "Niet van hier", detail)


async def _permanent(request: Request, error: Exception) -> Response:
    return _answer(request, 422, "Niet aanvaard", str(error))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if wants_page(request):
        return error_page(request, error.status_code)
    return problem(error.status_code, str(error.detail), f"{request.method} {request.url.path}: {error.detail}.")


async def _trouble(request: Request, error: Exception) -> Response:
    """The database or another server is in trouble, or refuses what was to be kept."""
    if fault_of(error) is Fault.MESSAGE:
        return _answer(request, 422, "Niet aanvaard", "Deze gegevens kunnen we niet bewaren. Kijk ze na.")
    answer = _answer(request, 503, "Even niet beschikbaar", "Probeer het binnen enkele seconden opnieuw.")
    answer.headers["Retry-After"] = "5"
    return answer


async def _broken(request: Request, _: Exception) -> Response:
    return _answer(request, 500, "Er liep iets mis", "De fout ligt bij ons. Probeer het later opnieuw.")
