"""CloudEvents libraries of others read what we write and write what we read; the vectors' README lists exceptions."""

import base64
import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import pytest
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import kafka as old_kafka
from cloudevents.v1.http import CloudEvent as OldCloudEvent

from contracts.envelope import Envelope, InvalidEnvelope, read
from tests.contract.vectors import FOLDER, NO_DATA, Vector, vectors
from tests.interop.clients import run

VALID, INVALID = vectors("valid"), vectors("invalid")
ALL = VALID | INVALID
WRITTEN = [vector for vector in VALID.values() if vector.data is not NO_DATA]
MODES = ["binary", "structured"]

Attributes = dict[str, Any]
"""The attributes of an event from a library, including `data`."""


def differences(column: int) -> dict[str, str]:
    """Per vector the first word of its cell in the table of the vectors' README."""
    rows = [
        row.strip("| ").split("|") for row in (FOLDER / "README.md").read_text().splitlines() if row.startswith("| ")
    ]
    cells = {cells[0].strip(): cells[column] if len(cells) > column else "" for cells in rows[1:]}
    assert cells.keys() <= ALL.keys()
    return {name: cell.split(":")[0].split()[0] for name, cell in cells.items() if cell.strip()}


def outcome(vector: Vector, event: Attributes | None) -> str:
    """The outcome in the words of that table; `event` is None when the library refused."""
    if vector.envelope is None:
        return "" if event is None else "accepts"
    if event is None:
        return "refuses"
    return "" if says(event, vector.envelope, vector.data) else "differs"


def says(event: Attributes, envelope: Envelope, data: object) -> bool:
    """Is it the same event? Moments and numbers are compared by value; an invalid trace may be kept."""
    same = {name: _plain(name, event.get(name)) == value for name, value in envelope._asdict().items()}
    same["traceparent"] |= envelope.traceparent is None or "traceparent" not in event
    return all(same.values()) and _parsed(event.get("data", NO_DATA)) == data


def _plain(name: str, value: Any) -> Any:
    if name in {"time", "recordedtime"} and isinstance(value, str):
        return datetime.fromisoformat(value)
    return int(value) if name == "sequence" and value is not None else value


def _parsed(data: object) -> object:
    if data is None:
        return NO_DATA
    return json.loads(data) if isinstance(data, bytes) else data


def attributes_of(envelope: Envelope) -> Attributes:
    """The attributes for a library: all texts except `time`."""
    given = {name: value for name, value in envelope._asdict().items() if value is not None}
    if envelope.recordedtime:
        given["recordedtime"] = envelope.recordedtime.isoformat()
    if envelope.sequence is not None:
        given["sequence"] = f"{envelope.sequence:012d}"
    return {**given, "datacontenttype": "application/json"}


def assert_we_read(headers: Iterable[tuple[str, bytes]], value: bytes, vector: Vector) -> None:
    envelope, data = read(headers, value)
    assert envelope == vector.envelope
    assert json.loads(data or b"") == vector.data


def read_with_python(vector: Vector) -> Attributes | None:
    message = kafka.KafkaMessage(dict(vector.headers), vector.key, vector.value)  # type: ignore[arg-type]
    try:
        event = kafka.from_kafka_event(message)
    except Exception:  # any exception means that it refused
        return None
    return {**event.get_attributes(), "data": event.get_data()}


@pytest.mark.parametrize("vector", ALL.values(), ids=ALL)
def test_cloudevents_of_pypi_reads_as_the_table_says(vector: Vector) -> None:
    assert outcome(vector, read_with_python(vector)) == differences(column=1).get(vector.name, "")


@pytest.mark.parametrize("write", [kafka.to_binary_event, kafka.to_structured_event], ids=MODES)
@pytest.mark.parametrize("vector", WRITTEN, ids=lambda vector: vector.name)
def test_we_read_what_cloudevents_of_pypi_writes(
    vector: Vector, write: Callable[[BaseCloudEvent], kafka.KafkaMessage]
) -> None:
    assert vector.envelope
    message = write(CloudEvent(attributes_of(vector.envelope), vector.data))
    assert_we_read(message.headers.items(), message.value, vector)


def test_what_the_old_interface_of_pypi_writes_in_structured_mode_says_that_it_is_not() -> None:
    envelope = VALID["structured-required"].envelope
    assert envelope
    given = {**attributes_of(envelope), "time": envelope.time.isoformat()}
    message = old_kafka.to_structured(OldCloudEvent(given, {}))
    assert message.headers == {"content-type": b"application/json"}
    with pytest.raises(InvalidEnvelope, match="specversion"):
        read(message.headers.items(), message.value)  # type: ignore[arg-type]


def with_npm(action: str, given: Iterable[object]) -> list[Any]:
    printed = run("node", "cloudevents.mjs", action, given="\n".join(map(json.dumps, given)))
    return [json.loads(line) for line in printed.splitlines()]


@pytest.mark.npm
def test_cloudevents_of_npm_reads_as_the_table_says() -> None:
    given = [
        {
            "key": vector.key.decode(),
            "headers": {name: None if text is None else text.decode(errors="replace") for name, text in vector.headers},
            "value": None if vector.value is None else base64.b64encode(vector.value).decode(),
        }
        for vector in ALL.values()
    ]
    answers = dict(zip(ALL, with_npm("read", given), strict=True))
    found = {
        name: outcome(ALL[name], answer.get("event") and _of_npm(answer["event"])) for name, answer in answers.items()
    }
    assert {name: word for name, word in found.items() if word} == differences(column=2)


def _of_npm(event: Attributes) -> Attributes:
    if "data_base64" in event:
        return {**event, "data": base64.b64decode(event["data_base64"])}
    return event


@pytest.mark.npm
@pytest.mark.parametrize("mode", MODES)
def test_we_read_what_cloudevents_of_npm_writes(mode: str) -> None:
    given = []
    for vector in WRITTEN:
        assert vector.envelope
        event = {**attributes_of(vector.envelope), "time": vector.envelope.time.isoformat(), "data": vector.data}
        given.append({"mode": mode, "event": event})
    for vector, message in zip(WRITTEN, with_npm("write", given), strict=True):
        headers = [(name, text.encode()) for name, text in message["headers"].items()]
        assert_we_read(headers, base64.b64decode(message["value"]), vector)
