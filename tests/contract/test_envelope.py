"""Writing and reading CloudEvents 1.0 on Kafka."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from contracts.envelope import LONGEST, STRUCTURED, Envelope, Headers, InvalidEnvelope, read

FULL = Envelope(
    id="e-1",
    source="/services/intake",
    type="be.duaalwest.intake.QuestionReceived.v1",
    time=datetime(2026, 11, 23, 11, 0, tzinfo=UTC),
    subject="case-1",
    recordedtime=datetime(2026, 11, 23, 11, 0, 1, 5, tzinfo=UTC),
    sequence=42,
    correlationid="case-1",
    causationid="e-0",
    dataclassification="internal",
    dataschema="urn:x",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    authid="vdab",
)
BARE = Envelope(id="e-1", source="/s", type="t", time=FULL.time)


def without(headers: Headers, name: str) -> Headers:
    return [header for header in headers if header[0] != name]


def structured(**changed: Any) -> bytes:
    document: dict[str, Any] = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/s",
        "type": "t",
        "time": "2026-11-23T11:00:00Z",
    }
    return json.dumps(document | changed).encode()


def read_structured(**changed: Any) -> tuple[Envelope, bytes | None]:
    return read([("content-type", b"application/cloudevents+json")], structured(**changed))


def test_in_binary_mode_the_headers_are_these() -> None:
    assert dict(FULL.headers()) == {
        "ce_specversion": b"1.0",
        "ce_id": b"e-1",
        "ce_source": b"/services/intake",
        "ce_type": b"be.duaalwest.intake.QuestionReceived.v1",
        "ce_subject": b"case-1",
        "ce_partitionkey": b"case-1",
        "ce_time": b"2026-11-23T11:00:00Z",
        "ce_recordedtime": b"2026-11-23T11:00:01.000005Z",
        "ce_sequence": b"000000000042",
        "ce_correlationid": b"case-1",
        "ce_causationid": b"e-0",
        "ce_dataclassification": b"internal",
        "ce_dataschema": b"urn:x",
        "ce_authtype": b"service_account",
        "ce_authid": b"vdab",
        "traceparent": b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "content-type": b"application/json",
    }


@pytest.mark.parametrize("envelope", [FULL, BARE], ids=["full", "bare"])
def test_what_is_written_is_read_back(envelope: Envelope) -> None:
    assert read(envelope.headers(), b"{}") == (envelope, b"{}")


@pytest.mark.parametrize("envelope", [FULL, BARE], ids=["full", "bare"])
def test_what_is_written_in_structured_mode_is_read_back(envelope: Envelope) -> None:
    document = envelope.structured(b'{"a": "\xc3\xa9"}')
    assert read([("content-type", STRUCTURED.encode())], document) == (envelope, b'{"a": "\\u00e9"}')


def test_what_is_absent_is_not_sent() -> None:
    assert {name for name, _ in BARE.headers()} == {
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_time",
        "content-type",
    }


def test_sequences_sort_as_text() -> None:
    written = [dict(FULL._replace(sequence=number).headers())["ce_sequence"] for number in (9, 10, 100)]
    assert written == sorted(written)


@pytest.mark.parametrize(
    "written",
    ["2026-11-23T11:00:00Z", "2026-11-23T11:00:00+00:00", "2026-11-23T12:00:00+01:00", "2026-11-23T11:00:00.000Z"],
)
def test_a_moment_is_the_same_in_every_zone_and_notation(written: str) -> None:
    headers = [*without(BARE.headers(), "ce_time"), ("ce_time", written.encode())]
    assert read(headers, None)[0].time == FULL.time


@pytest.mark.parametrize("name", ["ce_time", "ce_recordedtime"])
@pytest.mark.parametrize("written", ["2026-11-23T11:00:00+01:00:30", "2026-11-23T11:00:00-00:00:01"])
def test_an_offset_with_seconds_which_could_not_be_passed_on_is_refused(name: str, written: str) -> None:
    with pytest.raises(InvalidEnvelope, match="offset"):
        read([*without(FULL.headers(), name), (name, written.encode())], None)


def test_a_time_in_another_zone_is_written_with_it() -> None:
    brussels = FULL.time.astimezone(timezone(timedelta(hours=1)))
    assert dict(BARE._replace(time=brussels).headers())["ce_time"] == b"2026-11-23T12:00:00+01:00"


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"])
def test_a_required_attribute_that_is_missing_empty_null_or_doubled_is_named(name: str) -> None:
    rest = without(FULL.headers(), name)
    attribute = name.removeprefix("ce_")
    for headers in ([*rest], [*rest, (name, b"")], [*rest, (name, None)], [*FULL.headers(), (name, b"x")]):
        with pytest.raises(InvalidEnvelope, match=attribute) as raised:
            read(headers, b"{}")
        assert raised.value.attribute == attribute


@pytest.mark.parametrize("name", [name for name, _ in FULL.headers() if name.startswith("ce_")])
@pytest.mark.parametrize("value", [b"\xff", None], ids=["not-utf8", "null"])
def test_no_attribute_of_ours_may_be_undecodable(name: str, value: bytes | None) -> None:
    with pytest.raises(InvalidEnvelope, match=name):
        read([*without(FULL.headers(), name), (name, value)], b"{}")


@pytest.mark.parametrize(
    "name", ["id", "source", "type", "subject", "correlationid", "causationid", "dataclassification", "dataschema"]
)
@pytest.mark.parametrize(
    "value", ["x" * (LONGEST + 1), "a\x00b", "a\nb", "\x7f"], ids=["long", "nul", "newline", "delete"]
)
def test_an_attribute_that_cannot_be_kept_or_passed_on_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidEnvelope, match=name):
        read([*without(FULL.headers(), f"ce_{name}"), (f"ce_{name}", value.encode())], b"{}")


def test_an_attribute_may_hold_any_letter_and_be_as_long_as_that() -> None:
    envelope = BARE._replace(id="é€✓" + "x" * (LONGEST - 3))
    assert read(envelope.headers(), None)[0] == envelope


@pytest.mark.parametrize("trace", [b"", b"\xff", b"nonsense", b"00-short-1-01", None])
def test_a_trace_that_is_none_is_left_out(trace: bytes | None) -> None:
    headers = [*without(FULL.headers(), "traceparent"), ("traceparent", trace)]
    assert read(headers, None)[0] == FULL._replace(traceparent=None)


@pytest.mark.parametrize("sequence", ["-1", "1.0", "x", "", " 1", "٣", "1" * 19])
def test_a_sequence_is_a_number(sequence: str) -> None:
    headers = [*without(FULL.headers(), "ce_sequence"), ("ce_sequence", sequence.encode())]
    with pytest.raises(InvalidEnvelope, match="sequence"):
        read(headers, None)


def test_header_names_are_read_in_any_case() -> None:
    assert read([(name.title(), value) for name, value in FULL.headers()], None)[0] == FULL


def test_the_value_of_a_binary_record_is_not_touched() -> None:
    assert read(BARE.headers(), b"\xff\x00")[1] == b"\xff\x00"
    assert read(BARE.headers(), None)[1] is None


def test_structured_mode_says_the_same() -> None:
    envelope, data = read_structured(data={"a": "é"}, sequence="000000000007", unknown=1)
    assert envelope == BARE._replace(sequence=7)
    assert data is not None
    assert json.loads(data) == {"a": "é"}


def test_structured_mode_may_carry_its_data_in_base64_or_not_at_all() -> None:
    assert read_structured(data_base64="eyJhIjogMX0=")[1] == b'{"a": 1}'
    assert read_structured()[1] is None
    assert read_structured(data=None)[1] == b"null"


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b"1", b"\xff"])
def test_structured_mode_needs_a_json_object(value: bytes | None) -> None:
    with pytest.raises(InvalidEnvelope, match="structured mode"):
        read([("content-type", b"application/cloudevents+json")], value)


def test_a_record_cannot_be_in_both_modes() -> None:
    headers = [("content-type", b"application/cloudevents+json"), ("ce_id", b"1")]
    with pytest.raises(InvalidEnvelope, match="ce_id"):
        read(headers, structured())


def test_half_a_character_is_refused_and_not_passed_on() -> None:
    with pytest.raises(InvalidEnvelope, match="correlationid"):
        read_structured(correlationid="\ud800")


def test_a_refusal_can_be_written_down_whatever_the_header_is_called() -> None:
    with pytest.raises(InvalidEnvelope) as raised:
        read([("ce_\x00\ud800", None)], None)
    assert str(raised.value).isprintable()
