"""Golden messages: one with only what is required and one with everything, for each type."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from jsonschema import Draft202012Validator, FormatChecker

import contracts
from contracts.envelope import read
from contracts.event import Event
from contracts.registry import EVENTS
from contracts.schema import recorded

FOLDER = Path(contracts.__file__).parent / "examples"

Kind = Literal["minimal", "full"]


def example(model: type[Event], kind: Kind) -> dict[str, Any]:
    """The headers and the data of a golden message, read from its file."""
    found: dict[str, Any] = json.loads((FOLDER / f"{model.declaration.type}.{kind}.json").read_text())
    return found


def newest(model: type[Event]) -> dict[str, Any]:
    """The newest recorded writer schema."""
    versions = recorded(model.declaration.type)
    return versions[max(versions)].writer


MODELS = [pytest.param(model, id=type_) for type_, model in EVENTS.items()]
EXAMPLES = [
    pytest.param(model, kind, id=f"{type_}.{kind}") for type_, model in EVENTS.items() for kind in ("minimal", "full")
]


def test_there_are_two_per_type_and_no_others() -> None:
    expected = {f"{type_}.{kind}.json" for type_ in EVENTS for kind in ("minimal", "full")}
    assert {file.name for file in FOLDER.iterdir()} == expected


@pytest.mark.parametrize(("model", "kind"), EXAMPLES)
def test_it_keeps_to_the_committed_schema(model: type[Event], kind: Kind) -> None:
    validator = Draft202012Validator(newest(model), format_checker=FormatChecker())
    assert [error.message for error in validator.iter_errors(example(model, kind)["data"])] == []


@pytest.mark.parametrize("model", MODELS)
def test_the_minimal_one_has_only_what_is_required(model: type[Event]) -> None:
    assert set(example(model, "minimal")["data"]) == set(newest(model)["required"])


@pytest.mark.parametrize("model", MODELS)
def test_the_full_one_has_every_field(model: type[Event]) -> None:
    assert set(example(model, "full")["data"]) == set(newest(model)["properties"])


@pytest.mark.parametrize("model", MODELS)
def test_the_full_one_names_a_schema_that_was_recorded(model: type[Event]) -> None:
    named = example(model, "full")["headers"]["ce_dataschema"]
    assert named in {version.writer["$id"] for version in recorded(model.declaration.type).values()}


@pytest.mark.parametrize(("model", "kind"), EXAMPLES)
def test_it_is_read_and_written_back_the_same(model: type[Event], kind: Kind) -> None:
    data = example(model, kind)["data"]
    event = model.from_json(json.dumps(data).encode())
    written = json.loads(event.to_json())
    assert {name: written[name] for name in data} == data
    assert str(event.aggregate_id) == data[model.declaration.key]


@pytest.mark.parametrize(("model", "kind"), EXAMPLES)
def test_its_headers_come_back_from_the_envelope(model: type[Event], kind: Kind) -> None:
    headers = {name: value.encode() for name, value in example(model, kind)["headers"].items()}
    envelope, _ = read(headers.items(), b"{}")
    assert envelope.type == model.declaration.type
    written = dict(envelope.headers())
    assert {name: written[name] for name in headers} == headers
    if kind == "full":
        assert written == headers
        assert envelope.subject == example(model, kind)["data"][model.declaration.key]


@pytest.mark.parametrize(("model", "kind"), EXAMPLES)
def test_it_says_the_same_in_structured_mode(model: type[Event], kind: Kind) -> None:
    message = example(model, kind)
    attributes = {
        name.removeprefix("ce_"): value for name, value in message["headers"].items() if name != "content-type"
    }
    document = json.dumps({**attributes, "datacontenttype": "application/json", "data": message["data"]})
    structured, data = read([("content-type", b"application/cloudevents+json")], document.encode())
    binary, _ = read([(name, value.encode()) for name, value in message["headers"].items()], None)
    assert structured == binary
    assert data is not None
    assert json.loads(data) == message["data"]
