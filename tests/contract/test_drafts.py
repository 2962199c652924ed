"""A drafted example of any event is one that the tests of the golden messages would let pass."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from contracts.event import Event
from contracts.registry import EVENTS
from contracts.schema import schema_of
from deploy.contracts.examples import draft, example_of
from tests.contract.test_examples import example

MODELS = [pytest.param(model, id=type_) for type_, model in EVENTS.items()]


def names_in(data: Any) -> set[str]:
    """The names of fields at every depth."""
    if isinstance(data, list):
        return set().union(*map(names_in, data))
    if isinstance(data, dict):
        return set(data).union(*map(names_in, data.values()))
    return set()


@pytest.mark.parametrize("model", MODELS)
def test_it_keeps_to_the_schema_and_is_read_back_the_same(model: type[Event]) -> None:
    validator = Draft202012Validator(schema_of(model), format_checker=FormatChecker())
    for full in (False, True):
        data = example_of(model, full=full)["data"]
        assert [error.message for error in validator.iter_errors(data)] == []
        written = json.loads(model.from_json(json.dumps(data).encode()).to_json())
        assert {name: written[name] for name in data} == data


@pytest.mark.parametrize("model", MODELS)
def test_it_has_the_fields_of_the_golden_one(model: type[Event]) -> None:
    assert set(example_of(model, full=False)["data"]) == set(example(model, "minimal")["data"])
    assert names_in(example_of(model, full=True)["data"]) == names_in(example(model, "full")["data"])


@pytest.mark.parametrize("model", [model for model in EVENTS.values() if model.declaration.owner != "partner"])
def test_it_has_the_headers_of_the_golden_one(model: type[Event]) -> None:
    for kind in ("minimal", "full"):
        ours, golden = example_of(model, full=kind == "full")["headers"], example(model, kind)["headers"]
        assert ours.keys() >= golden.keys() - {"ce_authtype", "ce_authid", "ce_dataclassification"}
        assert ours["ce_type"] == golden["ce_type"]


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    model = next(iter(EVENTS.values()))
    full, minimal = (tmp_path / f"{model.declaration.type}.{kind}.json" for kind in ("full", "minimal"))
    full.write_text("{}")
    assert list(draft(model, tmp_path)) == [minimal]
    assert full.read_text() == "{}"
    assert list(draft(model, tmp_path)) == []
