"""Random messages: hypothesis strategies for everything that a writer schema allows."""

from datetime import UTC, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from contracts.dialect import Schema

Drawn = st.SearchStrategy[Any]

_OFFSETS = st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-11, minutes=-30))])
_FORMATS: dict[str, Drawn] = {
    "uuid": st.uuids().map(str),
    "date": st.dates().map(lambda day: day.isoformat()),
    "date-time": st.datetimes(timezones=_OFFSETS).map(lambda moment: moment.isoformat().replace("+00:00", "Z")),
}
_LONGEST = 5
"""Most items of a list without a limit."""


def messages(schema: Schema) -> Drawn:
    """Data that is valid by the writer schema of an event."""
    return _Drawing(schema).node(schema)


class _Drawing:
    def __init__(self, root: Schema) -> None:
        self._root = root

    def node(self, schema: Schema) -> Drawn:
        if "$ref" in schema:
            return self.node(self._root["$defs"][schema["$ref"].removeprefix("#/$defs/")])
        match schema["type"]:
            case "object":
                return self._object(schema)
            case "array":
                least = schema.get("minItems", 0)
                most = schema.get("maxItems", least + _LONGEST)
                return st.lists(self.node(schema["items"]), min_size=least, max_size=most)
            case "string":
                return _text(schema)
            case "integer":
                return st.integers(schema.get("minimum"), schema.get("maximum"))
            case "number":
                limits = schema.get("minimum"), schema.get("maximum")
                return st.floats(*limits, allow_nan=False, allow_infinity=False)
            case _:
                return st.booleans()

    def _object(self, schema: Schema) -> Drawn:
        fields = {name: self.node(field) for name, field in schema["properties"].items()}
        required = schema.get("required", ())
        return st.fixed_dictionaries(
            {name: drawn for name, drawn in fields.items() if name in required},
            optional={name: drawn for name, drawn in fields.items() if name not in required},
        )


def _text(schema: Schema) -> Drawn:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "format" in schema:
        return _FORMATS[schema["format"]]
    return st.from_regex(schema["pattern"].removeprefix("^").removesuffix("$"), fullmatch=True)
