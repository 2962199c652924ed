"""CloudEvents 1.0 on Kafka: attributes to headers (binary mode) and back (binary and structured mode).

The reader works on the raw list of headers, because a dictionary would hide a header that was sent twice.
"""

import base64
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic_core import to_json

CONTENT_TYPE = "application/json"
STRUCTURED = "application/cloudevents+json"

Headers = list[tuple[str, bytes]]
Texts = list[tuple[str, str]]
"""The same headers, before they are encoded."""
RawHeaders = Iterable[tuple[str, bytes | None]]


class InvalidEnvelope(ValueError):
    """The record is not a CloudEvent that we accept; the message says why, `attribute` which one when it is one."""

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
    """Who is behind it, when it came in from outside: the id of a partner."""

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
    """The envelope of a record and its data, whichever CloudEvents mode it was sent in.

    Raises:
        InvalidEnvelope: an attribute is missing, doubled, null, not UTF-8 or not what CloudEvents says.
    """
    attributes, content_type, traceparent = _attributes(headers)
    if content_type.startswith(STRUCTURED):
        if attributes:
            raise InvalidEnvelope(f"structured mode, but the record also has the header {'ce_' + min(attributes)!a}")
        attributes, value = _structured(value)
    return _envelope(attributes, traceparent), value


def _attributes(headers: RawHeaders) -> tuple[dict[str, str], str, str | None]:
    pairs = tuple(headers)
    places = _places(tuple([name for name, _ in pairs]))
    try:
        attributes = {attribute: pairs[at][1].decode() for attribute, at in places.attributes}  # type: ignore[union-attr]
    except (AttributeError, UnicodeDecodeError):
        attributes = {attribute: _text(*pairs[at]) for attribute, at in places.attributes}
    content_type = "" if places.content_type is None else _text(*pairs[places.content_type]).lower()
    traces = [raw for at in places.traces if (raw := pairs[at][1]) is not None]
    return attributes, content_type, traces[-1].decode("ascii", "ignore") if traces else None


class _Places(NamedTuple):
    """Where in a list of headers they are."""

    attributes: tuple[tuple[str, int], ...]
    content_type: int | None
    traces: tuple[int, ...]


@lru_cache(16)
def _places(names: tuple[str, ...]) -> _Places:
    """Kept, because a writer sends the same headers with every event.

    Raises:
        InvalidEnvelope: an attribute was sent twice.
    """
    attributes: dict[str, int] = {}
    content_type = None
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
    return _Places(tuple(attributes.items()), content_type, tuple(traces))


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


def _envelope(attributes: dict[str, str], traceparent: str | None) -> Envelope:
    if _required(attributes, "specversion") != "1.0":
        raise InvalidEnvelope("specversion is another one than 1.0, which we read", "specversion")
    _look_for_what_is_forbidden(attributes)
    get = attributes.get
    sequence, recorded = get("sequence"), get("recordedtime")
    if sequence is not None and not (sequence.isascii() and sequence.isdigit() and len(sequence) <= 18):
        raise InvalidEnvelope("sequence is not a number", "sequence")
    traceparent = traceparent or get("traceparent")
    return Envelope(
        id=_required(attributes, "id"),
        source=_required(attributes, "source"),
        type=_required(attributes, "type"),
        time=_moment("time", _required(attributes, "time")),
        subject=get("subject"),
        recordedtime=None if recorded is None else _moment("recordedtime", recorded),
        sequence=None if sequence is None else int(sequence),
        correlationid=get("correlationid"),
        causationid=get("causationid"),
        dataclassification=get("dataclassification"),
        dataschema=get("dataschema"),
        # A trace that is not one is no reason to refuse an event.
        traceparent=traceparent if traceparent and TRACEPARENT.fullmatch(traceparent) else None,
        authid=get("authid"),
    )


READ = (
    *("specversion", "id", "source", "type", "subject", "time", "recordedtime", "sequence"),
    *("correlationid", "causationid", "dataclassification", "dataschema", "authid"),
)
"""The attributes that we read."""
LONGEST = 512
"""Characters of one attribute: the inbox keeps `source` and `id` in an index, others go on into our own headers."""
FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What CloudEvents keeps out of its strings: control characters, and halves of a character."""
MINUTE = timedelta(minutes=1)
TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def _required(attributes: dict[str, str], name: str) -> str:
    value = attributes.get(name)
    if not value:
        raise InvalidEnvelope(f"{name} is missing", name)
    return value


def _look_for_what_is_forbidden(attributes: dict[str, str]) -> None:
    # First all of them in one look: hardly ever is there anything to find, and what can be printed is not forbidden.
    together = "".join(attributes.values())
    if len(together) <= LONGEST and together.isprintable():
        return
    for name in READ:
        value = attributes.get(name, "")
        if len(value) > LONGEST or FORBIDDEN.search(value):
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
    # As isoformat() writes it, in half of the time; a Z for UTC, and between quotes.
    return None if moment is None else to_json(moment).decode()[1:-1]
