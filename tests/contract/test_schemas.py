"""The schemas that partners read are those of the models."""

import json
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from contracts.event import Event
from contracts.registry import EVENTS
from contracts.schema import FOLDER, schema_of, text_of
from tests.contract.test_examples import example

MODELS = [pytest.param(model, id=type_) for type_, model in EVENTS.items()]


def test_there_is_one_file_per_type() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {f"{type_}.json" for type_ in EVENTS}


@pytest.mark.parametrize("model", MODELS)
def test_the_committed_schema_is_the_models_own(model: type[Event]) -> None:
    committed = (FOLDER / f"{model.declaration.type}.json").read_text()
    assert committed == text_of(model), "run: python -m contracts.schema"


@pytest.mark.parametrize("model", MODELS)
def test_it_is_a_json_schema_that_is_closed_at_every_depth(model: type[Event]) -> None:
    schema = schema_of(model)
    Draft202012Validator.check_schema(schema)
    objects = [schema, *(part for part in schema.get("$defs", {}).values() if part["type"] == "object")]
    assert [part["additionalProperties"] for part in objects] == [False] * len(objects)


@pytest.mark.parametrize("model", MODELS)
def test_its_id_names_the_type_and_follows_from_the_content(model: type[Event]) -> None:
    identity = schema_of(model)["$id"]
    assert identity.startswith(f"urn:duaalwest:schema:{model.declaration.type}:")
    assert [schema_of(other)["$id"] for other in EVENTS.values()].count(identity) == 1


def test_an_id_is_the_same_in_another_process() -> None:
    code = "from contracts.schema import *; print([schema_of(model)['$id'] for model in EVENTS.values()])"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str([schema_of(model)["$id"] for model in EVENTS.values()])


@pytest.mark.parametrize("model", MODELS)
def test_schema_and_model_refuse_the_same_messages(model: type[Event]) -> None:
    full = example(model, "full")["data"]
    validator = Draft202012Validator(schema_of(model))
    for name in full:
        for broken in ({**full, name: [1]}, {**full, name: {}}, {k: v for k, v in full.items() if k != name}):
            assert validator.is_valid(broken) == _is_read(model, broken), (name, broken.get(name))


def _is_read(model: type[Event], data: object) -> bool:
    try:
        model.from_json(json.dumps(data).encode())
    except ValidationError:
        return False
    return True
