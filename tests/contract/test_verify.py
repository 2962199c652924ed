"""`verify` reports what is wrong with a message: line, field, rule and what would be valid, but never the value."""

import base64
import json
import re
from typing import Any

import pytest

from contracts.checking import Finding
from contracts.event import Event
from contracts.partner import QuestionReceived
from contracts.registry import EVENTS
from contracts.verify import verify
from tests.contract.test_examples import EXAMPLES, Kind, example


def message(model: type[Event] = QuestionReceived, kind: Kind = "full") -> dict[str, Any]:
    """A golden message in structured mode."""
    golden = example(model, kind)
    attributes = {name.removeprefix("ce_"): text for name, text in golden["headers"].items() if name != "content-type"}
    return {**attributes, "data": golden["data"]}


def with_data(**changed: Any) -> dict[str, Any]:
    whole = message()
    return {**whole, "data": whole["data"] | changed}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in message().items() if key != name}


def findings(line: bytes | dict[str, Any]) -> list[Finding]:
    (verified,) = verify([line if isinstance(line, bytes) else json.dumps(line).encode()])
    return verified.findings


@pytest.mark.parametrize(("model", "kind"), EXAMPLES)
def test_every_golden_message_is_good_and_no_other_field_may_be_in_it(model: type[Event], kind: Kind) -> None:
    good = message(model, kind)
    assert findings(good) == []
    (finding,) = findings({**good, "data": {**good["data"], "of_tomorrow": 1}})
    assert (finding.path, finding.rule) == ("data.of_tomorrow", "UNKNOWN_FIELD")


WRONG: dict[str, tuple[bytes | dict[str, Any], str, str, str]] = {
    "no JSON": (b'{"id": oops}', "", "NOT_JSON", "is not JSON in UTF-8, at character 8"),
    "two messages on a line": (b"{} {}", "", "NOT_JSON", "is not JSON in UTF-8, at character 4"),
    "no UTF-8": (b'{"id": "\xff"}', "", "NOT_JSON", "is not JSON in UTF-8"),
    "not a number": (b'{"id": NaN}', "", "NOT_JSON", "is not JSON"),
    "no object": (b"[1]", "", "NOT_JSON", "is not a JSON object"),
    "a field twice": (b'{"id": "1", "data": {"a": 1, "a": 2}}', "", "FIELD_TWICE", "a stands twice in one object"),
    "no source": (without("source"), "", "INVALID_ENVELOPE", "is not a CloudEvent: source is missing"),
    "a time without a zone": (
        message() | {"time": "2026-11-23T11:00:00"},
        "",
        "INVALID_ENVELOPE",
        "is not a CloudEvent: time has no time zone",
    ),
    "a misspelt type": (
        message() | {"type": "be.duaalwest.partner.QuestionRecieved.v1"},
        "type",
        "UNKNOWN_TYPE",
        "is not one of our types; perhaps be.duaalwest.partner.QuestionReceived.v1 was meant",
    ),
    "another type": (
        message() | {"type": "com.example.Other"},
        "type",
        "UNKNOWN_TYPE",
        "is not one of our types; there",
    ),
    "no data": (without("data"), "data", "NO_DATA", "is missing"),
    "data that is no object": (message() | {"data": 5}, "data", "TYPE", "has to be an object, and is a whole number"),
    "data in base64 that is no JSON": (
        without("data") | {"data_base64": base64.b64encode(b"oops").decode()},
        "data_base64",
        "NOT_JSON",
        "does not hold JSON",
    ),
    "another content": (
        message() | {"datacontenttype": "application/xml"},
        "datacontenttype",
        "CONTENT_TYPE",
        "has to be application/json",
    ),
    "null": (with_data(subregion=None), "data.subregion", "NULL", "is null; leave the field out, or give it a text"),
    "another type of value": (with_data(programme=88), "data.programme", "TYPE", "has to be a text, and is a whole"),
    "another value of a list": (
        with_data(topics=["T07", "t25"]),
        "data.topics[1]",
        "NOT_IN_LIST",
        "has to be one of T01, T02",
    ),
    "too many items": (
        with_data(topics=["T01", "T02", "T03", "T04"]),
        "data.topics",
        "TOO_MANY_ITEMS",
        "may have at most 3 items, and has 4",
    ),
    "no items": (with_data(topics=[]), "data.topics", "TOO_FEW_ITEMS", "needs at least 1 items, and has 0"),
    "a name as a reference": (
        with_data(reference="Jan Peeters"),
        "data.reference",
        "PATTERN",
        "has to match ^[A-Za-z0-9._:-]{1,64}$; given is a text of 11 characters",
    ),
    "a national number as a reference": (
        with_data(reference="85.07.30-033.28"),
        "data.reference",
        "PERSONAL_DATA",
        "looks like a national number",
    ),
    "a day that is none": (
        with_data(received_at="2026-02-30T11:00:00Z"),
        "data.received_at",
        "FORMAT",
        "has to be a moment with its offset, such as",
    ),
    "personal data": (
        with_data(contactEmail="jan@example.org"),
        "data.contactEmail",
        "UNKNOWN_FIELD",
        "may not be sent",
    ),
    "a name as a field": (
        with_data(**{"Jan Peeters": 1}),
        "data",
        "UNKNOWN_FIELD",
        "holds a field that we do not know",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_its_place_and_what_would_be_right(name: str) -> None:
    line, path, rule, says = WRONG[name]
    (finding,) = findings(line)
    assert (finding.path, finding.rule) == (path, rule)
    assert finding.says.startswith(says)


def test_a_misspelt_field_is_reported_with_the_one_that_is_missing() -> None:
    whole = message()
    whole["data"]["ageBand"] = whole["data"].pop("age_band")
    assert [(finding.path, finding.rule) for finding in findings(whole)] == [
        ("data.age_band", "REQUIRED"),
        ("data.ageBand", "UNKNOWN_FIELD"),
    ]
    assert "perhaps age_band was meant" in findings(whole)[1].says


def test_for_a_misspelt_value_the_right_one_is_suggested() -> None:
    (finding,) = findings(with_data(audience="ouders"))
    assert finding.says.endswith("given is a text of 6 characters; perhaps OUDER was meant")


def test_no_value_is_ever_repeated() -> None:
    secret = "Zebedeus-0477123456"
    for name in message()["data"]:
        for value in (secret, [secret], {secret: secret}, {"name": secret}):
            assert secret not in str(findings(with_data(**{name: value})))
    for name in message():
        assert secret not in str(findings(message() | {name: [secret]}))


def test_lines_are_counted_from_one_and_empty_ones_are_left_out() -> None:
    good = json.dumps(message()).encode()
    verified = list(verify([good, b"", b"oops", b"  ", good]))
    assert [(line.number, bool(line.findings)) for line in verified] == [(1, False), (3, True), (5, False)]


def test_every_type_of_the_partner_dialect_can_be_verified() -> None:
    of_partners = [model for type_, model in EVENTS.items() if re.match("be.duaalwest.partner.", type_)]
    assert len(of_partners) > 9
    for model in of_partners:
        assert findings(message(model, "minimal")) == []
