"""The HTTP side of a service: its routes, its health, and errors as problem+json that name the field."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from chassis.commands import CALLER_LEFT
from chassis.failures import Fault, fault_of
from chassis.handling import NotFound, PermanentError, Refused, TransientError
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.persistence.idempotency import KeyUsedTwice

LARGEST_BODY = 64 * 1024
"""Bytes of a request; a question is a few lines of text."""

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=8, max_length=200, description="Same key and body: same answer."),
]

JSON = "application/json"

REASON = "Deze waarde is niet geldig."
REASONS = {
    "missing": "Dit veld is verplicht.",
    "extra_forbidden": "Dit veld kennen we niet. Kijk de naam na.",
    "enum": "Kies een van deze waarden: {expected}.",
    "string_type": "Hier hoort tekst.",
    "string_too_short": "Minstens {min_length} tekens.",
    "string_too_long": "Hoogstens {max_length} tekens.",
    "string_pattern_mismatch": "Deze waarde heeft niet de juiste vorm.",
    "too_long": "Hoogstens {max_length} waarden.",
    "int_parsing": "Hier hoort een geheel getal.",
    "int_type": "Hier hoort een geheel getal.",
    "greater_than_equal": "Minstens {ge}.",
    "less_than_equal": "Hoogstens {le}.",
    "bool_parsing": "Hier hoort true of false.",
    "date_from_datetime_parsing": "Hier hoort een datum zoals 2026-11-23.",
    "uuid_parsing": "Dit is geen nummer dat wij gaven.",
    "value_error": "Deze waarde is niet geldig. Kijk ze na.",
}
"""Dutch for what pydantic says in English, by type of error."""


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


def create_app(service: str, health: Health, metrics: Metrics, routes: APIRouter | None) -> FastAPI:
    """The ASGI application of one process."""
    app = FastAPI(title=f"Duaal West - {service}", version="1", docs_url=None, redoc_url=None)
    app.add_middleware(LimitBody)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(KeyUsedTwice, _key_used_twice)
    app.add_exception_handler(NotFound, _not_there)
    app.add_exception_handler(PermanentError, _permanent)
    app.add_exception_handler(HTTPException, _http)
    for error in (OSError, TimeoutError, TransientError, asyncpg.PostgresError, asyncpg.InterfaceError):
        app.add_exception_handler(error, _trouble)
    app.add_exception_handler(Exception, _broken)
    for router in (routes, _operations(health, metrics)):
        # Not included, which would make a second router of it, and every request search both.
        app.router.routes += router.routes if router else []
    return app


def _operations(health: Health, metrics: Metrics) -> APIRouter:
    router = APIRouter(include_in_schema=False)

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
                answer = problem(413, "Te groot", f"De aanvraag is groter dan {LARGEST_BODY} bytes.")
                await answer(scope, receive, send)
                return
        CALLER_LEFT.set(partial(_disconnected, receive))
        await self._app(scope, _replay(b"".join(chunks), receive), send)


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


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if any(line["type"] == "json_invalid" for line in error.errors()):
        return problem(400, "Geen geldige JSON", "De inhoud van de aanvraag is geen geldige JSON.")
    errors = [{"field": _field(line["loc"]), "reason": _reason(line)} for line in error.errors()]
    fields = ", ".join(dict.fromkeys(entry["field"] for entry in errors))
    return problem(422, "Ongeldige gegevens", f"Kijk deze velden na: {fields}.", errors)


def _field(location: tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in location[1:]) or str(location[0])


def _reason(line: Mapping[str, Any]) -> str:
    sentence = REASONS.get(line["type"], REASON)
    return sentence.format_map(line.get("ctx", {}))


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    errors = [{"field": error.field, "reason": error.reason}]
    return problem(422, "Niet aanvaard", error.reason, errors)


async def _key_used_twice(_: Request, __: Exception) -> Response:
    reason = "Deze sleutel hoort al bij een andere aanvraag. Gebruik voor elke nieuwe aanvraag een nieuwe sleutel."
    return problem(409, "Sleutel al gebruikt", reason, [{"field": "Idempotency-Key", "reason": reason}])


async def _not_there(_: Request, error: Exception) -> Response:
    return problem(404, "Niet gevonden", str(error))


async def _permanent(_: Request, error: Exception) -> Response:
    return problem(422, "Niet aanvaard", str(error))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), f"{request.method} {request.url.path}: {error.detail}.")


async def _trouble(_: Request, error: Exception) -> Response:
    """The database or another server is in trouble, or refuses what was to be kept."""
    if fault_of(error) is Fault.MESSAGE:
        return problem(422, "Niet aanvaard", "Deze gegevens kunnen we niet bewaren. Kijk ze na.")
    answer = problem(503, "Even niet beschikbaar", "Probeer het binnen enkele seconden opnieuw.")
    answer.headers["Retry-After"] = "5"
    return answer


async def _broken(_: Request, __: Exception) -> Response:
    return problem(500, "Er liep iets mis", "De fout ligt bij ons. Probeer het later opnieuw.")
