"""Payload schemas for AsyncAPI: our JSON Schema with a description per field and a named schema per list of codes.

AsyncAPI reads JSON Schema as of draft 7 and refers to schemas by their place in the document. So local definitions
become components, and a reference never stands beside other keywords.
"""

from collections.abc import Iterator
from enum import EnumMeta
from typing import Any, Literal, get_args

from pydantic import BaseModel, StringConstraints

from contracts import partner, vocabulary
from contracts.event import Event
from contracts.schema import schema_of
from contracts.vocabulary import OpenEnum
from deploy.asyncapi.words import sentence_of, words_of

Schema = dict[str, Any]
Form = Literal["closed", "open"]
"""Closed for writers: no other field, no other code. Open for readers: both may come with a later version."""

LISTS: dict[tuple[str, ...], type[OpenEnum]] = {
    tuple(member.value for member in thing if member.name != "UNKNOWN"): thing
    for thing in vars(vocabulary).values()
    if isinstance(thing, EnumMeta) and issubclass(thing, OpenEnum) and thing is not OpenEnum
}
"""The lists of the vocabulary, by their codes."""

TEXTS: dict[str, str] = {
    constraint.pattern: words
    for module in (vocabulary, partner)
    for name, words in words_of(module).items()
    for constraint in getattr(getattr(module, name), "__metadata__", ())
    if isinstance(constraint, StringConstraints) and isinstance(constraint.pattern, str)
}
"""The description of each kind of text (`SoNumber`, `Reference`, ...), by its pattern."""


def components_of(model: type[Event], form: Form) -> dict[str, Schema]:
    """The event's schema under its type, and every schema that it refers to."""
    return _Components(model, form).all


def reference(name: str) -> Schema:
    """A reference to a component schema."""
    return {"$ref": f"#/components/schemas/{name}"}


class _Components:
    def __init__(self, model: type[Event], form: Form) -> None:
        self._type = model.declaration.type
        self._form = form
        self._models = {part.__name__: part for part in _models_in(model)}
        schema = schema_of(model)
        self.all: dict[str, Schema] = {}
        self.all[self._type] = self._object(schema)
        for name, definition in schema.get("$defs", {}).items():
            if definition.get("type") == "object":
                self.all[f"{self._type}.{name}"] = self._object(definition)

    def _object(self, schema: Schema) -> Schema:
        model = self._models[schema["title"]]
        words = words_of(model)
        return {
            "title": model.__name__,
            "description": sentence_of(model),
            "type": "object",
            "properties": {name: self._field(field, words.get(name)) for name, field in schema["properties"].items()},
            "required": schema.get("required", []),
            "additionalProperties": self._form == "open",
        }

    def _field(self, field: Schema, words: str | None) -> Schema:
        written = self._type_of(field)
        words = words or TEXTS.get(field.get("pattern", ""))
        if not words:
            return written
        return {"description": words, **({"allOf": [written]} if "$ref" in written else written)}

    def _type_of(self, field: Schema) -> Schema:
        if "$ref" in field:
            return reference(f"{self._type}.{field['$ref'].rsplit('/', 1)[-1]}")
        if "enum" in field:
            return reference(self._list(LISTS[tuple(field["enum"])]))
        written = {name: value for name, value in field.items() if name != "items"}
        return {**written, "items": self._type_of(field["items"])} if "items" in field else written

    def _list(self, codes: type[OpenEnum]) -> str:
        name = codes.__name__ if self._form == "closed" else f"{codes.__name__}.open"
        meanings = words_of(codes)
        values = {member.value: meanings.get(member.name, "") for member in codes if member.name != "UNKNOWN"}
        more = " A code that is not listed here may come later: read it as unknown."
        self.all[name] = {
            "title": codes.__name__,
            "description": sentence_of(codes) + (more if self._form == "open" else ""),
            "type": "string",
            **({"enum": list(values)} if self._form == "closed" else {"x-extensible-enum": list(values)}),
            "x-codes": values,
        }
        return name


def _models_in(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.__pydantic_fields__.values():
        for part in _types_in(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _models_in(part)


def _types_in(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _types_in(part)
