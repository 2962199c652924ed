"""CloudEvents 1.0 on Kafka: attributes to headers (binary mode) and back (binary and structured mode).

The reader works on the raw list of headers, because a dictionary would hide a header that was sent twice.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from pydantic_core import to_json

CONTENT_TYPE = "application/json"
STRUCTURED = "application/cloudevents+json"

Headers = list[tuple[str, bytes]]
Texts = list[tuple[str, str]]
"""Headers before they are encoded."""
RawHeaders = Iterable[tuple[str, bytes | None]]
RawPairs = tuple[tuple[str, bytes | None], ...]


class InvalidEnvelope(ValueError):
    """The record is not a CloudEvent that we accept. `attribute` is the invalid attribute, if it is about one."""

    def __init__(self, reason: str, attribute: str | None = None) -> None:
        super().__init__(reason)
        self.attribute = attribute


class Envelope(NamedTuple):
    """The attributes of one event. `id` and `source` are unique together; `sequence` counts from 1 per subject."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str | None = None
    recordedtime: datetime | None = None
    sequence: int | None = None
    correlationid: str | None = None
    causationid: str | None = None
    dataclassification: str | None = None
    dataschema: str | None = None
    traceparent: str | None = None
    authid: str | None = None
    """For an event that follows from a partner's message: the id of that partner."""

    def texts(self) -> Texts:
        """Name and value of the Kafka headers in binary mode; the value of the record is the data alone."""
        headers: list[tuple[str, Any]] = [
            ("ce_specversion", "1.0"),
            ("ce_id", self.id),
            ("ce_source", self.source),
            ("ce_type", self.type),
            ("ce_subject", self.subject),
            ("ce_partitionkey", self.subject),
            ("ce_time", _written(self.time)),
            ("ce_recordedtime", _written(self.recordedtime)),
            ("ce_sequence", None if self.sequence is None else f"{self.sequence:012d}"),
            ("ce_correlationid", self.correlationid),
            ("ce_causationid", self.causationid),
            ("ce_dataclassification", self.dataclassification),
            ("ce_dataschema", self.dataschema),
            ("ce_authtype", "service_account" if self.authid else None),
            ("ce_authid", self.authid),
            ("traceparent", self.traceparent),
            ("content-type", CONTENT_TYPE),
        ]
        return [header for header in headers if header[1] is not None]

    def headers(self) -> Headers:
        """The Kafka headers in binary mode, as they go on the wire."""
        return encoded(self.texts())

    def structured(self, data: bytes) -> bytes:
        """The whole event in structured mode: one JSON object of the attributes and the data, which is JSON too."""
        attributes = {name.removeprefix("ce_"): text for name, text in self.texts() if name != "content-type"}
        return json.dumps({**attributes, "datacontenttype": CONTENT_TYPE, "data": json.loads(data)}).encode()


def read(headers: RawHeaders, value: bytes | None) -> tuple[Envelope, bytes | None]:
    """The envelope and the data of a record, in binary or structured mode.

    Raises:
        InvalidEnvelope: an attribute is missing, doubled, null, not UTF-8 or not valid by CloudEvents.
    """
    pairs = tuple(headers)
    places = _places(tuple([name for name, _ in pairs]))
    texts = _texts(pairs, places)
    content_type = texts[places.content_type] or ""
    if content_type.lower().startswith(STRUCTURED):
        if places.attributes:
            raise InvalidEnvelope(
                f"structured mode, but the record also has the header {'ce_' + min(places.attributes)!a}"
            )
        attributes, value = _structured(value)
        found: Sequence[str | None] = [attributes.get(name) for name in ASKED]
    else:
        found = places.asked(texts)
    traces = [raw for at in places.traces if (raw := pairs[at][1]) is not None]
    return _envelope(found, traces[-1].decode("ascii", "ignore") if traces else None), value


def _texts(pairs: RawPairs, places: "_Places") -> list[str | None]:
    """The values of the headers, followed by one None: position -1, for attributes that are absent."""
    try:
        return [raw.decode() for _, raw in pairs] + [None]  # type: ignore[union-attr]
    except (AttributeError, UnicodeDecodeError):
        of_ours = {*places.attributes.values(), places.content_type}
        return [_text(*pair) if at in of_ours else None for at, pair in enumerate(pairs)] + [None]


class _Places(NamedTuple):
    """The positions of the attributes in a list of headers; -1 when an attribute is absent."""

    attributes: dict[str, int]
    asked: Callable[[list[str | None]], Sequence[str | None]]
    """Selects the values of the attributes that we read, from the values of all headers."""
    content_type: int
    traces: tuple[int, ...]


@lru_cache(16)
def _places(names: tuple[str, ...]) -> _Places:
    """Find the positions. They are cached, because a writer sends the same names with every event.

    Raises:
        InvalidEnvelope: an attribute was sent twice.
    """
    attributes: dict[str, int] = {}
    content_type = -1
    traces = []
    for at, name in enumerate(map(str.lower, names)):
        if name.startswith("ce_"):
            if name[3:] in attributes:
                raise InvalidEnvelope(f"header {name!a} was sent twice", name[3:])
            attributes[name[3:]] = at
        elif name == "content-type":
            content_type = at
        elif name == "traceparent":
            traces.append(at)
    return _Places(attributes, itemgetter(*(attributes.get(name, -1) for name in ASKED)), content_type, tuple(traces))


def _text(name: str, raw: bytes | None) -> str:
    name = name.lower()
    if raw is None:
        raise InvalidEnvelope(f"header {name!a} has no value", name.removeprefix("ce_"))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InvalidEnvelope(f"header {name!a} is not UTF-8", name.removeprefix("ce_")) from None


def _structured(value: bytes | None) -> tuple[dict[str, str], bytes | None]:
    try:
        document = json.loads(value or b"")
    except (ValueError, RecursionError):
        raise InvalidEnvelope("structured mode, but the value is not JSON") from None
    if not isinstance(document, dict):
        raise InvalidEnvelope("structured mode, but the value is not a JSON object")
    data = _data_of(document)
    attributes = {
        name.lower(): item if isinstance(item, str) else json.dumps(item)
        for name, item in document.items()
        if item is not None
    }
    return attributes, data


def _data_of(document: dict[str, object]) -> bytes | None:
    encoded = document.pop("data_base64", None)
    if encoded is not None:
        try:
            return base64.b64decode(str(encoded), validate=True)
        except ValueError:
            raise InvalidEnvelope("data_base64 is not base64", "data_base64") from None
    return json.dumps(document.pop("data")).encode() if "data" in document else None


def _envelope(found: Sequence[str | None], trace: str | None) -> Envelope:
    version, id_, source, type_, subject, time, recorded, sequence, *others = found
    correlation, causation, data_class, schema, authid, traceparent = others
    if version != "1.0":
        if version:
            raise InvalidEnvelope("specversion is another one than 1.0, which we read", "specversion")
        raise _missing(found)
    _look_for_what_is_forbidden(found)
    if sequence is not None and not (sequence.isascii() and sequence.isdigit() and len(sequence) <= 18):
        raise InvalidEnvelope("sequence is not a number", "sequence")
    if not (id_ and source and type_ and time):
        raise _missing(found)
    trace = trace or traceparent
    return Envelope(
        id_,
        source,
        type_,
        _moment("time", time),
        subject,
        None if recorded is None else _moment("recordedtime", recorded),
        None if sequence is None else int(sequence),
        correlation,
        causation,
        data_class,
        schema,
        # An invalid trace is dropped: it is no reason to refuse an event.
        trace if trace and TRACEPARENT.fullmatch(trace) else None,
        authid,
    )


READ = (
    *("specversion", "id", "source", "type", "subject", "time", "recordedtime", "sequence"),
    *("correlationid", "causationid", "dataclassification", "dataschema", "authid"),
)
"""The attributes that we read."""
REQUIRED = ("specversion", "id", "source", "type", "time")
ASKED = (*READ, "traceparent")
"""The trace is a header without prefix, but some writers send it as an attribute."""
LONGEST = 512
"""Characters of one attribute. The inbox has `source` and `id` in an index; others are copied into our own headers."""
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What CloudEvents forbids in its strings: control characters, and lone surrogates."""
CONTROLS = bytes([*range(32), 127])
MINUTE = timedelta(minutes=1)
TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def _missing(found: Sequence[str | None]) -> InvalidEnvelope:
    name = next(name for name, value in zip(READ, found, strict=False) if name in REQUIRED and not value)
    return InvalidEnvelope(f"{name} is missing", name)


def _look_for_what_is_forbidden(found: Sequence[str | None]) -> None:
    # First one search in all attributes together, as bytes: nearly always there is nothing to find.
    together = "".join(filter(None, found))
    if len(together) <= LONGEST and together.isascii():
        ascii_ = together.encode()
        if ascii_.translate(None, CONTROLS) == ascii_:
            return
    for name, value in zip(READ, found, strict=False):
        if value and (len(value) > LONGEST or FORBIDDEN.search(value)):
            reason = f"{name} is longer than {LONGEST} characters or holds one that CloudEvents forbids"
            raise InvalidEnvelope(reason, name)


def _moment(name: str, value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidEnvelope(f"{name} is not an RFC 3339 time", name) from None
    if moment.tzinfo is None:
        raise InvalidEnvelope(f"{name} has no time zone", name)
    if moment.tzinfo is not UTC and moment.utcoffset() % MINUTE:  # type: ignore[operator]  # it has a time zone
        raise InvalidEnvelope(f"{name} is not an RFC 3339 time: its offset has seconds", name)
    return moment


def encoded(texts: Texts) -> Headers:
    """Headers as they go on the wire."""
    return [(name, text.encode()) for name, text in texts]


def _written(moment: datetime | None) -> str | None:
    # The same text as isoformat() in half the time, with Z for UTC; the slice removes the quotes of JSON.
    return None if moment is None else to_json(moment).decode()[1:-1]
