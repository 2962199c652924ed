"""What may not be in an event: the linter that every event schema has to pass."""

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
"""Words that a field's name may not hold. A field that ends in `_id` or `_band` is a key or a class, not the thing."""

PLACES = frozenset({"nis", "municipality", "city", "lat", "lon", "latitude", "longitude", "coordinates"})
"""Finer than a subregion: may stand in an event about an organisation, never beside a learner."""

HARMLESS_ENDINGS = ("_id", "_band", "_ids")

Schema = dict[str, Any]


def findings(schema: Schema) -> list[str]:
    """Every reason why this JSON Schema may not be an event's; empty when it may."""
    about_a_learner = any(path.endswith("learner_id") for path, _ in _fields(schema, schema, ""))
    found: list[str] = []
    for path, field in _fields(schema, schema, ""):
        name = path.rsplit(".", 1)[-1]
        words = set(name.lower().split("_"))
        if words & PERSONAL and not name.endswith(HARMLESS_ENDINGS):
            found.append(f"{path}: the name says personal data ({', '.join(sorted(words & PERSONAL))})")
        if about_a_learner and words & PLACES:
            found.append(f"{path}: a place finer than a subregion beside a learner")
        found += [f"{path}: {reason}" for reason in _free(schema, field)]
    return found


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
    children += [schema["items"]] if isinstance(schema.get("items"), dict) else []
    for child in children:
        yield from _parts(root, child)


def _free(root: Schema, field: Schema) -> Iterator[str]:
    for part in _parts(root, field):
        kind = part.get("type")
        if kind == "string" and not ({"enum", "const", "format", "pattern"} & part.keys()):
            yield "free text: give it a list, a format or a pattern"
        if kind == "object" and part.get("additionalProperties") is not False:
            yield "an object that takes any field"
        if not part.keys() & {"type", "anyOf", "oneOf", "allOf", "enum", "const", "$ref"}:
            yield "may be anything"
