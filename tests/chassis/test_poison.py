"""Any bad record has a named outcome, is kept as it came, and does not affect its neighbours."""

import json
from typing import Any
from uuid import uuid4

import pytest

from chassis.persistence.store import PostgresStore, Store
from chassis.record import Outcome, Record
from chassis.testing.builders import a_record
from chassis.testing.fakes import MemoryStore
from contracts.vocabulary import DeadLetterReason
from tests.chassis.conftest import Rig
from tests.chassis.tally import Counted, a_count

DEAD_LETTERED, HANDLED, IGNORED = Outcome.DEAD_LETTERED, Outcome.HANDLED, Outcome.IGNORED
ENVELOPE, DATA = DeadLetterReason.INVALID_ENVELOPE, DeadLetterReason.INVALID_DATA

Raw = list[tuple[str, bytes | None]]


def a_good_record() -> Record:
    return a_record(a_count())


def with_header(name: str, value: bytes | None) -> Record:
    """A good record with one header changed."""
    record = a_good_record()
    headers: Raw = [header for header in record.headers if header[0] != name]
    return record._replace(headers=[*headers, (name, value)])


def without_header(name: str) -> Record:
    record = a_good_record()
    return record._replace(headers=[header for header in record.headers if header[0] != name])


def with_value(value: bytes | None) -> Record:
    return a_good_record()._replace(value=value)


def with_data(**fields: str) -> Record:
    """A good event with raw JSON in some fields."""
    known = {"tally_id": f'"{uuid4()}"', "amount": "1"} | fields
    return with_value(("{" + ", ".join(f'"{name}": {raw}' for name, raw in known.items()) + "}").encode())


def structured(**changed: Any) -> Record:
    """A good event in structured mode with some attributes changed; None leaves one out."""
    record = a_good_record()
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/partners/x",
        "type": Counted.declaration.type,
        "time": "2026-11-23T12:00:00+01:00",
        "data": json.loads(record.value or b"{}"),
    }
    document = {name: value for name, value in (document | changed).items() if value is not None}
    headers: Raw = [("content-type", b"application/cloudevents+json; charset=utf-8")]
    return record._replace(headers=headers, value=json.dumps(document).encode())


def structured_text(text: bytes) -> Record:
    return structured()._replace(value=text)


BAD_ENVELOPES = {
    "no headers": a_good_record()._replace(headers=[]),
    "null id": with_header("ce_id", None),
    "null header that nobody reads": with_header("ce_x", None),
    "null header with an odd name": with_header("ce_\x00", None),
    "id is not UTF-8": with_header("ce_id", b"\xff\xfe"),
    "header that nobody reads is not UTF-8": with_header("ce_x", b"\xff"),
    "id twice": a_good_record()._replace(headers=[*a_good_record().headers, ("ce_id", b"2")]),
    "id twice in other letters": a_good_record()._replace(headers=[*a_good_record().headers, ("CE_Id", b"2")]),
    "odd header twice": a_good_record()._replace(headers=[("ce_\x00", b"1"), ("ce_\x00", b"1")]),
    "no id": without_header("ce_id"),
    "empty id": with_header("ce_id", b""),
    "endless id": with_header("ce_id", b"x" * 5_000),
    "id with a NUL": with_header("ce_id", b"a\x00b"),
    "no source": without_header("ce_source"),
    "no type": without_header("ce_type"),
    "no time": without_header("ce_time"),
    "time without a zone": with_header("ce_time", b"2026-11-23T12:00:00"),
    "time is not a time": with_header("ce_time", b"yesterday"),
    "no specversion": without_header("ce_specversion"),
    "specversion of tomorrow": with_header("ce_specversion", b"2.0"),
    "sequence is not a number": with_header("ce_sequence", b"-1"),
    "endless correlation": with_header("ce_correlationid", b"x" * 100_000),
    "correlation with a NUL": with_header("ce_correlationid", b"a\x00b"),
    "structured, but not JSON": structured_text(b"{"),
    "structured, but a list": structured_text(b"[]"),
    "structured, but nothing": structured()._replace(value=None),
    "structured, nested without end": structured_text(b"[" * 100_000),
    "structured, data nested without end": structured_text(b'{"data": ' + b"[" * 900 + b"]" * 900 + b"}"),
    "structured, number without end": structured_text(b'{"specversion": ' + b"1" * 10_000 + b"}"),
    "structured and binary": structured()._replace(headers=[*structured().headers, ("ce_id", b"1")]),
    "structured without an id": structured(id=None),
    "structured, data is not base64": structured(data=None, data_base64="%%%"),
    "structured, id is half a character": structured(id="\ud800"),
    "structured, correlation is half a character": structured(correlationid="\udfff"),
    "structured, name is half a character": structured(**{"\ud800": "x", "specversion": "2.0"}),
}

BAD_DATA = {
    "tombstone": with_value(None),
    "nothing": with_value(b""),
    "not JSON": with_value(b"{"),
    "not UTF-8": with_value(b'{"amount": "\xff"}'),
    "a list": with_value(b"[1, 2]"),
    "null": with_value(b"null"),
    "a required field is missing": with_value(b"{}"),
    "a required field is null": with_data(amount="null"),
    "a megabyte of something else": with_value(b"x" * 1_000_000),
    "a megabyte of JSON": with_data(tally_id='"' + "x" * 1_000_000 + '"'),
    "nested without end": with_value(b"[" * 100_000 + b"]" * 100_000),
    "nested without end in a field that nobody reads": with_data(unknown="[" * 5_000 + "]" * 5_000),
    "NaN where a whole number belongs": with_data(amount="NaN"),
    "Infinity where a whole number belongs": with_data(amount="Infinity"),
    "a number of ten thousand digits": with_data(amount="9" * 10_000),
    "half a character": with_data(group='"\\ud800"'),
    "structured without data": structured(data=None),
    "structured, data is not ours": structured(data={"amount": "many"}),
}


POISON = {name: (record, ENVELOPE) for name, record in BAD_ENVELOPES.items()} | {
    name: (record, DATA) for name, record in BAD_DATA.items()
}


@pytest.mark.parametrize("name", POISON)
async def test_a_poisonous_record_is_set_aside_as_it_came_and_its_neighbours_are_handled(name: str) -> None:
    poison, reason = POISON[name]
    rig, before, after = Rig(MemoryStore()), a_count(), a_count()
    assert await rig.deliver(a_record(before), poison, a_record(after)) == [HANDLED, DEAD_LETTERED, HANDLED]
    (letter,) = await rig.letters()
    assert (letter.record, letter.reason) == (poison, reason)
    assert [await rig.total(count.tally_id) for count in (before, after)] == [1, 1]


async def test_all_of_them_at_once_hide_no_neighbour_and_lose_no_letter(rig: Rig) -> None:
    counts = [a_count() for _ in POISON]
    pairs = zip(map(a_record, counts), [record for record, _ in POISON.values()], strict=True)
    records = [record for pair in pairs for record in pair]
    assert await rig.deliver(*records) == [HANDLED, DEAD_LETTERED] * len(POISON)
    kept = [(letter.record.value, letter.reason) for letter in await rig.letters()]
    assert kept == [(record.value, reason) for record, reason in POISON.values()]
    assert [await rig.total(count.tally_id) for count in counts] == [1] * len(POISON)


@pytest.mark.parametrize(
    ("name", "poison"),
    [
        ("a number beyond the database", with_data(amount=str(2**80))),
        ("a group with a NUL", with_data(group='"a\\u0000b"')),
    ],
)
async def test_what_the_type_allows_but_postgresql_does_not_is_set_aside(
    postgres: PostgresStore, name: str, poison: Record
) -> None:
    rig, after = Rig(postgres), a_count()
    assert await rig.deliver(poison, a_record(after)) == [DEAD_LETTERED, HANDLED], name
    assert await rig.total(after.tally_id) == 1


@pytest.mark.parametrize("type_", [b"be.duaalwest.tally.Unheard.v1", b"x", b"be.duaalwest.tally.Counted.v2"])
async def test_an_unknown_type_is_ignored_however_broken_its_data(store: Store, type_: bytes) -> None:
    rig = Rig(store)
    poison = with_header("ce_type", type_)._replace(value=b"\xff")
    after = a_count()
    assert await rig.deliver(poison, a_record(after)) == [IGNORED, HANDLED]
    assert await rig.letters() == []


GOOD = {
    "structured": structured(),
    "structured, attributes we do not know": structured(extra={"a": [1, 2]}, other=7, none=None),
    "structured, content-type in capitals": structured()._replace(
        headers=[("Content-Type", b"Application/CloudEvents+JSON")]
    ),
    "a header of somebody else is null": with_header("trace", None),
    "a header of somebody else is not UTF-8": with_header("trace", b"\xff\xfe"),
    "a header of somebody else twice": a_good_record()._replace(
        headers=[*a_good_record().headers, ("x", b"1"), ("x", b"2")]
    ),
    "a trace that is no text": with_header("traceparent", b"\xff00-1"),
    "names in capitals": a_good_record()._replace(
        headers=[(name.upper(), value) for name, value in a_good_record().headers]
    ),
    "a field that we do not know": with_data(colour='"red"'),
    "a megabyte in a field that we do not know": with_data(colour='"' + "x" * 1_000_000 + '"'),
    "no content-type": without_header("content-type"),
}


@pytest.mark.parametrize("name", GOOD)
async def test_what_is_only_unusual_is_handled(store: Store, name: str) -> None:
    assert await Rig(store).deliver(GOOD[name]) == [HANDLED]
