"""Routes for forms: one command comes in, one answer goes out."""

from codecs import BOM_UTF8
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

JSON = "application/json"


class FormRoute(APIRoute):
    """A route whose parameters are one body, in UTF-8, and some headers.

    It answers as any other route of FastAPI, whose own way is for every mixture of parameters, and takes twice as long.
    But a body of another kind is a 415, and one that is no JSON a 400.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        needs = self.dependant
        (body,), headers = needs.body_params, needs.header_params
        assert not any([needs.path_params, needs.query_params, needs.cookie_params, needs.dependencies])
        kind: Any = body.field_info.annotation
        command, answer = TypeAdapter[Any](kind), TypeAdapter[Any](self.response_model)

        async def handle(request: Request) -> Response:
            arguments: dict[str, Any] = {}
            wrong: list[Any] = []
            for header in headers:
                text = request.headers.get(header.alias, header.default)
                arguments[header.name], errors = header.validate(text, loc=("header", header.alias))
                wrong += errors
            try:
                # Not read and checked in one go: what comes from JSON is open to values that are newer than we are.
                arguments[body.name] = command.validate_python(await _document(request))
            except ValidationError as error:
                wrong += [{**line, "loc": ("body", *line["loc"])} for line in error.errors(include_url=False)]
            if wrong:
                raise RequestValidationError(wrong)
            result = await self.endpoint(**arguments)
            return Response(answer.dump_json(result), self.status_code or 200, media_type=JSON)

        return handle


async def _document(request: Request) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON and not kind.endswith("+json"):
        raise HTTPException(415, f"Stuur {JSON}")
    try:
        return from_json((await request.body()).removeprefix(BOM_UTF8))
    except ValueError:
        raise RequestValidationError([{"type": "json_invalid", "loc": ("body",)}]) from None
