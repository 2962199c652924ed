"""What may not be in an event: the linter that every event schema has to pass."""

import re
from collections.abc import Iterator
from typing import Any

_WORDS = """
name firstname lastname surname voornaam naam familienaam mail email phone telephone tel gsm mobile
birth birthdate birthday born geboorte geboortedatum dob age insz rijksregister niss national ssn
address adres street straat house postal postcode zip iban account
gender sex geslacht nationality nationaliteit religion diagnosis health medical
text message remark comment note notes description body subject question answer words opmerking
"""
PERSONAL = frozenset(_WORDS.split())
"""Words that the name of a field may not hold, unless it is a random id (`question_id`) or a class (`age_band`)."""

PLACES = frozenset({"nis", "municipality", "city", "lat", "lon", "latitude", "longitude", "coordinates"})
"""Places finer than a subregion: allowed in an event about an organisation, never in one about a learner."""

ABOUT_A_LEARNER = ("learner_id", "learner_ids", "learner_reference")
"""An event with one of these fields is about a learner."""

FORMATS = frozenset({"uuid", "date", "date-time"})
"""Formats of text that hold no personal data, unlike `email` and `uri`."""

Schema = dict[str, Any]


def findings(schema: Schema) -> list[str]:
    """Every reason why this JSON Schema may not be that of an event; empty when it may."""
    fields = list(_fields(schema, schema, ""))
    about_a_learner = any(path.endswith(ABOUT_A_LEARNER) for path, _ in fields)
    found = [f"event: {reason}" for reason in _free(schema, schema)]
    for path, field in fields:
        name = path.rsplit(".", 1)[-1]
        words = {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)}
        if words & PERSONAL and not _key_or_class(schema, name, field):
            found.append(f"{path}: the name says personal data ({', '.join(sorted(words & PERSONAL))})")
        if about_a_learner and words & PLACES:
            found.append(f"{path}: a place finer than a subregion beside a learner")
        found += [f"{path}: {reason}" for reason in _free(schema, field)]
    return found


def _key_or_class(root: Schema, name: str, field: Schema) -> bool:
    """A name with `_id` is allowed only for a UUID, one with `_band` only for a list of codes."""
    texts = [part for part in _parts(root, field) if part.get("type") == "string"]
    if name.endswith(("_id", "_ids")):
        return all(text.get("format") == "uuid" for text in texts)
    return name.endswith("_band") and all("enum" in text for text in texts)


def _fields(root: Schema, schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Every named field, at any depth, with its own schema."""
    for part in _parts(root, schema):
        for name, field in part.get("properties", {}).items():
            here = f"{path}.{name}" if path else name
            yield here, field
            yield from _fields(root, field, here)


def _parts(root: Schema, schema: Schema) -> Iterator[Schema]:
    """The schema itself and all that it is made of: references, alternatives, items."""
    if reference := schema.get("$ref"):
        schema = root["$defs"][reference.rsplit("/", 1)[-1]]
    yield schema
    children = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    children += schema.get("prefixItems", ())
    children += [schema["items"]] if isinstance(schema.get("items"), dict) else []
    for child in children:
        yield from _parts(root, child)


def _free(root: Schema, field: Schema) -> Iterator[str]:
    for part in _parts(root, field):
        kind = part.get("type")
        if kind == "string" and not ({"enum", "const", "pattern"} & part.keys() or part.get("format") in FORMATS):
            yield "free text: give it a list, a pattern or a harmless format"
        if kind == "array" and not ({"items", "prefixItems"} & part.keys()):
            yield "a list of anything"
        if kind == "object" and part.get("additionalProperties") is not False:
            yield "an object that takes any field"
        if not part.keys() & {"type", "anyOf", "oneOf", "allOf", "enum", "const", "$ref"}:
            yield "may be anything"
