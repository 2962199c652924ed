"""The small part of JSON Schema that our events are written in, and the linter that refuses the rest.

It has objects with named fields, arrays of one kind of item, scalars, open lists of values, and references to a local
definition. A field may be left out; `null` is never written. Everything else is refused, because it cannot be compared
with certainty, is not portable to other languages, or is hard to explain.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, get_args

from pydantic import BaseModel

Schema = dict[str, Any]

FORMATS = frozenset({"uuid", "date", "date-time"})
NULL: Schema = {"type": "null"}
OPEN = "x-open"
"""Marks an open list of values in pydantic's schema: a reader accepts values that are not in the list."""

_WORDS = frozenset({"title", "description"})
_ALLOWED: dict[str, frozenset[str]] = {
    "object": frozenset({"type", "properties", "required", "additionalProperties"}),
    "array": frozenset({"type", "items", "minItems", "maxItems", "default"}),
    "string": frozenset({"type", "pattern", "format", "enum", OPEN, "default"}),
    "integer": frozenset({"type", "minimum", "maximum", "default"}),
    "number": frozenset({"type", "minimum", "maximum", "default"}),
    "boolean": frozenset({"type", "default"}),
}
_CLASS = re.compile(r"\[(\\.|[^\]\\])*\]")
_NOT_PORTABLE = re.compile(r"\(\?|(?<!\\)\.|[*+?}][?+]")
"""Not allowed in a pattern outside its classes: look-around and flags, a bare dot, lazy and possessive repetition."""
_NOT_PORTABLE_ANYWHERE = re.compile(r"\\[A-Za-z0-9]|[^\x20-\x7e]")
"""Not allowed anywhere in a pattern: classes like \\d, and anything beyond ASCII."""


def violations(model: type[BaseModel]) -> list[str]:
    """Everything in a model that is outside the dialect, as `path: why`; empty when nothing is."""
    return outside(model.model_json_schema()) or hidden_rules(model)


def outside(schema: Schema) -> list[str]:
    """Every place of a schema, as pydantic makes it, that is outside the dialect."""
    extra = schema.keys() - _ALLOWED["object"] - _WORDS - {"$defs"}
    found = [f"event: {word!r} is not in the dialect" for word in sorted(extra)]
    if schema.get("type") != "object":
        return [*found, "event: is not an object"]
    top = {word: value for word, value in schema.items() if word not in extra and word != "$defs"}
    return found + list(_of_node(schema, top, "", ()))


def _of_node(root: Schema, node: Schema, path: str, inside: tuple[str, ...]) -> Iterator[str]:
    here = path or "event"
    if "$ref" in node:
        yield from _of_reference(root, node, path, inside)
    elif "anyOf" in node:
        yield f"{here}: a choice between types that no reader can tell apart; only `T | None = None` of a field may be"
    elif "const" in node:
        yield f"{here}: one fixed value; make it an OpenEnum, or leave it out"
    elif node.get("type") not in _ALLOWED:
        yield f"{here}: may be anything; give it a type"
    else:
        kind = node["type"]
        for word in sorted(node.keys() - _ALLOWED[kind] - _WORDS):
            yield f"{here}: {word!r} of {kind} is not in the dialect"
        yield from _KINDS.get(kind, _of_number)(root, node, path, inside)


def _of_reference(root: Schema, node: Schema, path: str, inside: tuple[str, ...]) -> Iterator[str]:
    reference = str(node["$ref"])
    name = reference.removeprefix("#/$defs/")
    if name not in root.get("$defs", {}):
        yield f"{path}: refers to something outside the schema"
    elif name in inside:
        yield f"{path}: holds itself; a message has an end"
    elif "default" in node:
        yield f"{path}: an object has no default; make it optional or required"
    else:
        yield from _of_node(root, root["$defs"][name], path, (*inside, name))


def _of_object(root: Schema, node: Schema, path: str, inside: tuple[str, ...]) -> Iterator[str]:
    here = path or "event"
    if not node.get("properties"):
        yield f"{here}: an object without named fields; name them, a free dictionary says nothing"
    if node.get("additionalProperties") is not False:
        yield f"{here}: takes any field; say extra='forbid' in its model"
    for name, field in node.get("properties", {}).items():
        at = f"{path}.{name}" if path else name
        if not re.fullmatch("[a-z][a-z0-9_]*", name):
            yield f"{at}: a field is named in snake_case"
        value = optional(field)
        if value is None:
            yield from _of_node(root, field, at, inside)
        else:
            if name in node.get("required", ()) or field.get("default", ...) is not None:
                yield f"{at}: may be null and yet is not simply left out; say `= None`"
            yield from _of_node(root, value, at, inside)


def _of_array(root: Schema, node: Schema, path: str, inside: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(node.get("items"), dict) or not node["items"]:
        yield f"{path}: an array whose items may be anything"
    else:
        yield from _of_node(root, node["items"], f"{path}[]", inside)


def _of_string(_root: Schema, node: Schema, path: str, _inside: tuple[str, ...]) -> Iterator[str]:
    if len(node.keys() & {"pattern", "format", "enum"}) != 1:
        yield f"{path}: a text needs exactly one of a pattern, a format, a list of values"
    if "format" in node and node["format"] not in FORMATS:
        yield f"{path}: the format {node['format']!r} is not one of {', '.join(sorted(FORMATS))}"
    if "enum" in node and OPEN not in node:
        yield f"{path}: a closed list breaks every reader on its first new value; make it an OpenEnum"
    if "pattern" in node:
        yield from (f"{path}: {why}" for why in _of_pattern(node["pattern"]))


def _of_pattern(pattern: str) -> Iterator[str]:
    rest = _CLASS.sub("[]", pattern)
    if not (pattern.startswith("^") and pattern.endswith("$")):
        yield "a pattern has to begin with ^ and end with $"
    if _NOT_PORTABLE.search(rest) or _NOT_PORTABLE_ANYWHERE.search(pattern):
        yield "the pattern means different things in different languages; use plain classes and counts"
    if "|" in re.sub(r"\(.*\)|\\.", "", rest):
        yield "the ^ and $ of the pattern hold for one alternative only; put the alternatives in parentheses"


def _of_number(_root: Schema, node: Schema, path: str, _inside: tuple[str, ...]) -> Iterator[str]:
    if node.get("minimum", 0) > node.get("maximum", float("inf")):
        yield f"{path}: no number is within the limits"


_KINDS = {"object": _of_object, "array": _of_array, "string": _of_string}


def rebuilt(node: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """A copy of a schema, with `change` applied to every schema inside it and then to the schema itself."""
    node = dict(node)
    for word in node.keys() & {"properties", "$defs"}:
        node[word] = {name: rebuilt(part, change) for name, part in node[word].items()}
    for word in node.keys() & {"items"}:
        node[word] = rebuilt(node[word], change)
    for word in node.keys() & {"anyOf"}:
        node[word] = [rebuilt(part, change) for part in node[word]]
    return change(node)


def optional(field: Schema) -> Schema | None:
    """For a field that pydantic writes as `T | None`, the schema of T; None when it is another choice of types."""
    options = field.get("anyOf", [])
    others = [option for option in options if option != NULL]
    return others[0] if len(options) == 2 and len(others) == 1 else None


def hidden_rules(model: type[BaseModel]) -> list[str]:
    """Validators in the code of a model, or of a model inside it, that its schema cannot show to a partner."""
    found = []
    for part in sorted(_models_in(model), key=lambda part: part.__name__):
        rules = part.__pydantic_decorators__
        names = [*rules.field_validators, *rules.model_validators, *rules.field_serializers, *rules.model_serializers]
        found += [f"{part.__name__}.{name}: a rule that no schema shows; say it with a type" for name in names]
    return found


def _models_in(model: type[BaseModel]) -> set[type[BaseModel]]:
    parts = {part for field in model.__pydantic_fields__.values() for part in _types_in(field.annotation)}
    models = {part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)}
    return {model}.union(*(_models_in(part) for part in models))


def _types_in(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _types_in(part)
