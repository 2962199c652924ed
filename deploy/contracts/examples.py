"""First drafts of the two golden messages of an event: valid, with values for a person to replace by real ones."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import Phase, find, settings

import contracts
from chassis.topics import PARTNER_TOPICS, TOPICS
from contracts.dialect import Schema
from contracts.envelope import Envelope
from contracts.event import Event
from contracts.schema import schema_of
from deploy.contracts.drawing import messages

FOLDER = Path(contracts.__file__).parent / "examples"

NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)
_FORMATS = {
    "uuid": "01935f2a-6c00-7000-8000-00000000000a",
    "date": "2026-11-23",
    "date-time": "2026-11-23T11:00:00Z",
}


def draft(model: type[Event], folder: Path = FOLDER) -> Iterator[Path]:
    """Write the messages that are not there yet, and say which; one that is there never changes."""
    for kind in ("minimal", "full"):
        file = folder / f"{model.declaration.type}.{kind}.json"
        if not file.exists():
            text = json.dumps(example_of(model, full=kind == "full"), indent=2, ensure_ascii=False)
            file.write_text(f"{text}\n", encoding="utf-8")
            yield file


def example_of(model: type[Event], *, full: bool) -> dict[str, Any]:
    """Headers and data: all that there can be, at any depth, or what is required and no more."""
    schema, declaration = schema_of(model), model.declaration
    data = _value(schema, schema, full)
    envelope = Envelope(
        "01935f2a-6c00-7000-8000-0000000000e1", f"/services/{declaration.owner}", declaration.type, NOON
    )
    if not full:
        headers = dict(envelope.texts())
        del headers["content-type"]
        return {"headers": headers, "data": data}
    topic = (TOPICS | PARTNER_TOPICS).get(declaration.topic)
    envelope = envelope._replace(
        subject=str(data[declaration.key]),
        recordedtime=NOON.replace(microsecond=12345),
        sequence=7,
        correlationid="01935f2a-6c00-7000-8000-000000000002",
        causationid="01935f2a-6c00-7000-8000-0000000000c1",
        dataclassification=topic.data_class if topic else None,
        dataschema=schema["$id"],
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    return {"headers": dict(envelope.texts()), "data": data}


def _value(root: Schema, node: Schema, full: bool) -> Any:
    if "$ref" in node:
        return _value(root, root["$defs"][node["$ref"].removeprefix("#/$defs/")], full)
    match node["type"]:
        case "object":
            names = node["properties"] if full else node.get("required", ())
            return {name: _value(root, node["properties"][name], full) for name in names}
        case "array":
            return [_value(root, node["items"], full)] * max(node.get("minItems", 0), int(full))
        case "string":
            return _text(node)
        case "integer" | "number":
            return node.get("minimum", min(1, node.get("maximum", 1)))
        case _:
            return True


def _text(node: Schema) -> str:
    if "enum" in node:
        return str(node["enum"][0])
    if "format" in node:
        return _FORMATS[node["format"]]
    # The first that hypothesis tries is the simplest that the pattern allows, so nothing has to be made smaller.
    first = settings(phases=[Phase.generate], derandomize=True, database=None)
    return str(find(messages(node), lambda _: True, settings=first))
