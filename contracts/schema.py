"""The JSON Schema of every event in its two forms, and the versions of it that were recorded under `schemas/`.

Both forms follow from the model. The *writer* form is closed: no other field, no other value of a list. The *reader*
form is what `Event.from_json` accepts: other fields and other values may come with a later version, and `null` is read
as absent. Two things no schema can express: a reader refuses `5.0` for an integer, and accepts a few spellings of
identifiers, dates and moments that are not in RFC 9562 and RFC 3339 and that a writer must not rely on.
"""

import hashlib
import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal, NamedTuple

from contracts.dialect import OPEN, Schema, optional, rebuilt
from contracts.event import Event

Form = Literal["writer", "reader"]

FOLDER = files("contracts") / "schemas"
"""One folder per type, with `<version>.writer.json` and `<version>.reader.json`; a recorded version never changes."""

_NAMES = {"writer": "schema", "reader": "reader-schema"}
_WORDS = {"$id", "$schema", "title", "description"}
"""Left out of the `$id`: a change of wording makes no new version."""


@cache
def schema_of(model: type[Event]) -> Schema:
    """The closed schema that a writer keeps to (JSON Schema 2020-12), with an `$id` that follows from its content.

    `x-topic` and `x-key` say where the event is published and which field keys the record.
    """
    declaration = model.declaration
    content = rebuilt(model.model_json_schema(), _written)
    return _named("writer", declaration.type, content | {"x-topic": declaration.topic, "x-key": declaration.key})


def reader_of(writer: Schema) -> Schema:
    """The open schema of a reader that knows the same fields as this writer."""
    return _named("reader", writer["$id"].split(":")[3], rebuilt(writer, _read))


def identity(schema: Schema) -> str:
    """The `$id` that belongs to this content. A recorded version with another `$id` was changed afterwards."""
    prefix, _, _ = schema["$id"].rpartition(":")
    content = rebuilt(schema, lambda node: {word: value for word, value in node.items() if word not in _WORDS})
    return f"{prefix}:{hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]}"


class Version(NamedTuple):
    """One version of an event type, in both forms."""

    writer: Schema
    reader: Schema


def version_of(model: type[Event]) -> Version:
    """The version that follows from the model as it is now."""
    writer = schema_of(model)
    return Version(writer, reader_of(writer))


def recorded(type_: str, folder: Traversable = FOLDER) -> dict[int, Version]:
    """Every recorded version of a type, oldest first; empty when there is none."""
    place = folder / type_
    names = [file.name for file in place.iterdir()] if place.is_dir() else []
    numbers = sorted(int(name.split(".")[0]) for name in names if name.endswith(".writer.json"))
    return {number: Version(*(_read_file(place, number, form) for form in Version._fields)) for number in numbers}


def file_name(number: int, form: str) -> str:
    """The name of the file with one form of a version, in the folder of its type."""
    return f"{number}.{form}.json"


def text_of(schema: Schema) -> str:
    """The content of the recorded file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _read_file(place: Traversable, number: int, form: str) -> Schema:
    schema: Schema = json.loads((place / file_name(number, form)).read_text(encoding="utf-8"))
    return schema


def _named(form: Form, type_: str, content: Schema) -> Schema:
    draft = {
        **content,
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:duaalwest:{_NAMES[form]}:{type_}:",
    }
    named = {"$schema": draft.pop("$schema"), "$id": identity(draft)}
    return named | {word: value for word, value in draft.items() if word != "$id"}


def _written(node: Schema) -> Schema:
    """The writer form: an optional field is left out, never null. Titles that repeat a field's name are dropped."""
    value = optional(node)
    written = node if value is None else value
    spare = {OPEN} if written.get("type") == "object" else {OPEN, "title"}
    return {word: part for word, part in written.items() if word not in spare}


def _read(node: Schema) -> Schema:
    """The reader form: unknown fields and values are accepted, and null for an optional field."""
    read = {word: part for word, part in node.items() if word not in {"additionalProperties", "enum"}}
    if "enum" in node:
        read["x-extensible-enum"] = node["enum"]
    if "properties" in node:
        required = node.get("required", [])
        read["properties"] = {
            name: field if name in required or "default" in field else {"anyOf": [field, {"type": "null"}]}
            for name, field in read["properties"].items()
        }
    return read
