"""The recorded schemas are those of the models, in two forms, and agree with the behaviour of the code."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from contracts.checking import check
from contracts.event import Event
from contracts.registry import EVENTS
from contracts.schema import FOLDER, identity, recorded, schema_of, text_of, version_of
from deploy.contracts.drawing import messages
from tests.contract.test_examples import example

MODELS = [pytest.param(model, id=type_) for type_, model in EVENTS.items()]


def test_there_is_one_folder_per_type_with_both_forms_of_every_version() -> None:
    # Partners subscribe to these words: a folder may be added, taking one away or renaming it breaks somebody.
    folder = Path(str(FOLDER))
    assert {place.name for place in folder.iterdir()} == set(EVENTS)
    for place in folder.iterdir():
        numbers = [f"{number}.{form}.json" for number in recorded(place.name) for form in ("writer", "reader")]
        assert {file.name for file in place.iterdir()} == set(numbers)
        assert list(recorded(place.name)) == list(range(1, len(numbers) // 2 + 1))


@pytest.mark.parametrize("model", MODELS)
def test_the_last_recorded_version_is_the_models_own(model: type[Event]) -> None:
    versions = recorded(model.declaration.type)
    last = versions[max(versions)]
    today = version_of(model)
    assert (last.writer["$id"], last.reader["$id"]) == (today.writer["$id"], today.reader["$id"]), (
        "run: duaal contracts approve"
    )


@pytest.mark.parametrize("model", MODELS)
def test_every_recorded_version_is_what_its_id_says(model: type[Event]) -> None:
    for version in recorded(model.declaration.type).values():
        for schema in version:
            assert schema["$id"] == identity(schema)
            assert f":{model.declaration.type}:" in schema["$id"]


def test_an_id_tells_every_change_but_that_of_words() -> None:
    schema = schema_of(next(iter(EVENTS.values())))
    assert identity(schema | {"description": "Other words.", "title": "Other"}) == schema["$id"]
    assert identity(schema | {"required": []}) != schema["$id"]
    assert identity(schema | {"x-key": "other"}) != schema["$id"]


def test_no_two_ids_are_the_same() -> None:
    ids = [schema["$id"] for model in EVENTS.values() for schema in version_of(model)]
    assert len(set(ids)) == len(ids)


def test_an_id_is_the_same_in_another_process() -> None:
    code = (
        "from contracts.schema import *; from contracts.registry import *; "
        "print([schema_of(model)['$id'] for model in EVENTS.values()])"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == str([schema_of(model)["$id"] for model in EVENTS.values()])


@pytest.mark.parametrize("model", MODELS)
def test_the_writer_form_is_closed_at_every_depth_and_the_reader_form_open(model: type[Event]) -> None:
    writer, reader = version_of(model)
    for schema in (writer, reader):
        Draft202012Validator.check_schema(schema)
    assert text_of(writer).count('"additionalProperties": false') == 1 + len(writer.get("$defs", {}))
    assert '"null"' not in text_of(writer)
    assert "additionalProperties" not in text_of(reader)
    assert '"enum"' not in text_of(reader)


FORMATS = FormatChecker(())
for name in ("uuid", "date", "date-time"):
    FORMATS.checks(name)(
        lambda value, name=name: not isinstance(value, str) or not check({"type": "string", "format": name}, value)
    )

JUNK: list[Any] = [
    *(None, True, 1, -1, 10**6, 0.5, "", "true", "T99", "é", "Z" * 90, [], {}, [1], ["NL"]),
    *(
        "2026-02-30",
        "2026-11-23",
        "2026-1-3",
        "2026-11-23T25:00:00Z",
        "2026-11-23T11:00:00",
        "2026-11-23T11:00:00.5+01:00",
    ),
    "01935F2A-6C00-7000-8000-000000000002",
]


def somewhat_wrong(message: Any) -> Iterator[Any]:
    """The message with one value changed, for every value at any depth and many replacements."""
    for place in places(message):
        names: list[Any] = [*place, "of_tomorrow"] if isinstance(place, dict) else list(range(len(place)))
        for name in names:
            before = place.copy()
            for junk in JUNK:
                place[name] = junk
                yield message
            place.pop(name)
            yield message
            place.clear()
            place.update(before) if isinstance(place, dict) else place.extend(before)


def places(message: Any) -> list[Any]:
    """Every object and every list, at any depth."""
    parts = message.values() if isinstance(message, dict) else message if isinstance(message, list) else ()
    inside = [place for part in parts for place in places(part)]
    return [message, *inside] if isinstance(message, dict | list) else inside


@pytest.mark.parametrize("model", MODELS)
def test_a_reader_its_schema_our_words_and_a_validator_agree_on_any_change_of_a_message(model: type[Event]) -> None:
    writer, reader = version_of(model)
    validators = [(schema, Draft202012Validator(schema, format_checker=FORMATS)) for schema in (writer, reader)]
    for message in somewhat_wrong(example(model, "full")["data"]):
        for schema, validator in validators:
            assert (check(schema, message) == []) == validator.is_valid(message), message
        assert (check(reader, message) == []) == is_read(model, message), message


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=5, phases=[Phase.generate])
@given(data=st.data())
def test_they_agree_on_what_a_writer_may_write(model: type[Event], data: st.DataObject) -> None:
    writer, reader = version_of(model)
    message = data.draw(messages(writer))
    assert check(writer, message) == check(reader, message) == []
    assert model.from_json(json.dumps(message).encode()).to_json()


def is_read(model: type[Event], data: object) -> bool:
    try:
        model.from_json(json.dumps(data).encode())
    except ValidationError:
        return False
    return True


LENIENT = {
    "uuid": ["01935f2a6c0070008000000000000002", "urn:uuid:01935f2a-6c00-7000-8000-000000000002"],
    "date": ["1700006400"],
    "date-time": ["2026-11-23 11:00:00Z", "2026-11-23T11:00Z", "2026-11-23T11:00:00+0100", "1700000000"],
}
"""Spellings that pydantic reads besides those of the standards: not guaranteed, and refused by the schemas."""


@pytest.mark.parametrize("model", MODELS)
def test_beyond_its_schema_a_reader_takes_these_spellings_and_refuses_a_fraction_of_zero(model: type[Event]) -> None:
    reader = version_of(model).reader
    full = example(model, "full")["data"]
    for name, field in reader["properties"].items():
        written = field["anyOf"][0] if "anyOf" in field else field
        for spelling in LENIENT.get(written.get("format", ""), ()):
            assert is_read(model, full | {name: spelling}), (name, spelling)
            assert check(reader, full | {name: spelling}), (name, spelling)
        if written.get("type") == "integer":
            assert not is_read(model, full | {name: float(full[name])})
