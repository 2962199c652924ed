"""Says what is wrong with the data of a message, in words for the person who made it.

A complete validator of the dialect. It never repeats a value, which may be personal data: it says what kind of value
was given, and what would be valid.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

from contracts.dialect import NULL, Schema, optional
from contracts.privacy import PERSONAL


@dataclass(frozen=True, slots=True)
class Finding:
    """One error: where (`reasons[2].weight`, empty for the whole), by which rule, and what would be valid."""

    path: str
    rule: str
    says: str


def check(schema: Schema, data: Any) -> list[Finding]:
    """Every error in data read from JSON, by a schema of ours in either form; empty when the data is valid."""
    return list(_Check(schema).node(schema, data, ""))


def is_date(text: str) -> bool:
    """Whether this is a day as RFC 3339 writes it."""
    return _DATE.fullmatch(text) is not None and _holds(date.fromisoformat, text)


def is_moment(text: str) -> bool:
    """Whether this is a moment as RFC 3339 writes it, with its offset, but never in a leap second."""
    return _MOMENT.fullmatch(text) is not None and _holds(datetime.fromisoformat, text.upper())


def is_uuid(text: str) -> bool:
    """Whether this is a UUID as RFC 9562 writes it."""
    return _UUID.fullmatch(text) is not None


_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_FORMATS: dict[str, tuple[Callable[[str], bool], str]] = {
    "uuid": (is_uuid, "a UUID such as 0197c3a0-5b1e-7c44-9a51-2f6d1e8b7c90"),
    "date": (is_date, "a day such as 2026-09-01"),
    "date-time": (is_moment, "a moment with its offset, such as 2026-09-01T08:30:00+02:00"),
}
_TYPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "object": (lambda value: isinstance(value, dict), "an object"),
    "array": (lambda value: isinstance(value, list), "a list"),
    "string": (lambda value: isinstance(value, str), "a text"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "integer": (lambda value: isinstance(value, int) and not isinstance(value, bool), "a whole number"),
    "number": (lambda value: isinstance(value, int | float) and not isinstance(value, bool), "a number"),
}


class _Check:
    def __init__(self, root: Schema) -> None:
        self._root = root

    def node(self, schema: Schema, value: Any, path: str) -> Iterator[Finding]:
        if "anyOf" in schema:
            yield from () if value is None else self.node(optional(schema) or NULL, value, path)
            return
        if "$ref" in schema:
            schema = self._root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        fits, expected = _TYPES[schema["type"]]
        if value is None:
            yield Finding(path, "NULL", f"is null; leave the field out, or give it {expected}")
        elif not fits(value):
            yield Finding(path, "TYPE", f"has to be {expected}, and is {_kind(value)}")
        else:
            yield from self._fitting(schema, value, path)

    def _fitting(self, schema: Schema, value: Any, path: str) -> Iterator[Finding]:
        match schema["type"]:
            case "object":
                yield from self._object(schema, value, path)
            case "array":
                yield from self._array(schema, value, path)
            case "string":
                yield from _text(schema, value, path)
            case _:
                yield from _number(schema, value, path)

    def _object(self, schema: Schema, value: dict[str, Any], path: str) -> Iterator[Finding]:
        fields = schema["properties"]
        for name in schema.get("required", ()):
            if name not in value:
                yield Finding(_join(path, name), "REQUIRED", "is missing")
        for name, part in value.items():
            if name in fields:
                yield from self.node(fields[name], part, _join(path, name))
            elif schema.get("additionalProperties") is False:
                yield _unknown(name, path, [known for known in fields if known not in value])

    def _array(self, schema: Schema, value: list[Any], path: str) -> Iterator[Finding]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", len(value))
        if len(value) < least:
            yield Finding(path, "TOO_FEW_ITEMS", f"needs at least {least} items, and has {len(value)}")
        if len(value) > most:
            yield Finding(path, "TOO_MANY_ITEMS", f"may have at most {most} items, and has {len(value)}")
        for position, item in enumerate(value):
            yield from self.node(schema["items"], item, f"{path}[{position}]")


def _text(schema: Schema, value: str, path: str) -> Iterator[Finding]:
    given = f"; given is {_kind(value)}"
    if "enum" in schema and value not in schema["enum"]:
        meant = get_close_matches(value.upper(), schema["enum"], 1) or get_close_matches(value, schema["enum"], 1)
        hint = f"; perhaps {meant[0]} was meant" if meant else ""
        yield Finding(path, "NOT_IN_LIST", f"has to be one of {', '.join(schema['enum'])}{given}{hint}")
    if "pattern" in schema and not re.fullmatch(schema["pattern"].removeprefix("^").removesuffix("$"), value):
        yield Finding(path, "PATTERN", f"has to match {schema['pattern']}{given}")
    if "format" in schema:
        holds, example = _FORMATS[schema["format"]]
        if not holds(value):
            yield Finding(path, "FORMAT", f"has to be {example}{given}")


def _number(schema: Schema, value: float, path: str) -> Iterator[Finding]:
    if "minimum" in schema and value < schema["minimum"]:
        yield Finding(path, "TOO_SMALL", f"has to be at least {schema['minimum']}")
    if "maximum" in schema and value > schema["maximum"]:
        yield Finding(path, "TOO_LARGE", f"may be at most {schema['maximum']}")


def _unknown(name: str, path: str, free: list[str]) -> Finding:
    """A field name may hold personal data too, so it is repeated only when it looks like a name of a field."""
    if not re.fullmatch("[A-Za-z][A-Za-z_]{0,39}", name):
        return Finding(path, "UNKNOWN_FIELD", f"holds a field that we do not know; its name has {len(name)} characters")
    snake = re.sub("(?<=[a-z])([A-Z])", r"_\1", name).lower()
    if meant := get_close_matches(snake, free, 1, 0.7):
        return Finding(_join(path, name), "UNKNOWN_FIELD", f"is not a field that we know; perhaps {meant[0]} was meant")
    if PERSONAL & set(snake.split("_")):
        return Finding(_join(path, name), "UNKNOWN_FIELD", "may not be sent: no personal data and no free text")
    return Finding(_join(path, name), "UNKNOWN_FIELD", "is not a field that we know; leave it out")


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    if isinstance(value, list):
        return f"a list of {len(value)} items"
    if value is None:
        return "null"
    return next(words for fits, words in _TYPES.values() if fits(value))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _holds(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True
