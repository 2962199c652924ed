"""A document as one readable page, which loads no other file."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from deploy.asyncapi.document import Document
from deploy.asyncapi.schemas import Schema

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
TEMPLATES.filters["pretty"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)
TEMPLATES.filters["marked"] = lambda text: Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@dataclass(frozen=True)
class Field:
    """A line in the table of a message. A nested field has the path `part.field`, one in a list `list[].field`."""

    path: str
    kind: str
    required: bool
    meaning: str
    codes: str | None
    """Name of its list of codes, if it has one."""


def page_of(document: Document) -> str:
    """The page of a document, complete in one file."""
    components = document["components"]
    return TEMPLATES.get_template("page.html").render(
        document=document,
        operations=[_operation(document, one) for one in document["operations"].values()],
        headers=components["messageTraits"]["cloudEvent"]["headers"],
        lists={schema["title"]: schema for schema in components["schemas"].values() if "x-codes" in schema},
    )


def index_of(documents: dict[str, Document]) -> str:
    """The page that leads to the pages `<name>.html` and the documents `<name>.yaml`."""
    return TEMPLATES.get_template("index.html").render(documents=documents)


def _operation(document: Document, operation: dict[str, Any]) -> dict[str, Any]:
    messages = [_resolved(document, _resolved(document, reference)) for reference in operation["messages"]]
    return {
        "action": operation["action"],
        "description": operation["description"],
        "channel": _resolved(document, operation["channel"]),
        "messages": [(message, list(_fields(document, message["payload"], ""))) for message in messages],
    }


def _fields(document: Document, schema: Schema, path: str) -> Iterator[Field]:
    schema = _whole(document, schema)
    for name, field in schema.get("properties", {}).items():
        whole = _whole(document, field)
        here = f"{path}.{name}" if path else name
        item = _whole(document, whole["items"]) if "items" in whole else whole
        codes = item["title"] if "x-codes" in item else None
        yield Field(here, _kind(document, whole), name in schema["required"], whole.get("description", ""), codes)
        yield from _fields(document, item, here if item is whole else f"{here}[]")


def _kind(document: Document, schema: Schema) -> str:
    if "items" in schema:
        between = _between(schema.get("minItems", 0), schema.get("maxItems"))
        return f"list of {between} {_kind(document, _whole(document, schema['items']))}".replace("  ", " ")
    if "x-codes" in schema:
        return "code"
    if "const" in schema:
        return f"always {schema['const']}"
    if "enum" in schema:
        return " | ".join(schema["enum"])
    kind = schema.get("format") or schema["type"].replace("string", "text")
    limits = [
        _between(schema.get("minimum"), schema.get("maximum")),
        f"at most {schema['maxLength']} characters" if "maxLength" in schema else "",
        schema.get("pattern", ""),
    ]
    return " ".join(filter(None, [kind, *limits]))


def _between(least: int | None, most: int | None) -> str:
    if least is None and most is None:
        return ""
    return f"{'' if least is None else least}..{'' if most is None else most}"


def _whole(document: Document, schema: Schema) -> Schema:
    """A schema with its reference resolved; its own keywords override those of the schema it refers to."""
    if "$ref" in schema:
        return _resolved(document, schema)
    if "allOf" in schema:
        return {**_resolved(document, schema["allOf"][0]), **schema}
    return schema


def _resolved(document: Document, reference: dict[str, Any]) -> dict[str, Any]:
    found = document
    for step in reference["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found
