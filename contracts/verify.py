"""Says for a file of events, message by message, what is wrong and what would be valid.

Each line is one CloudEvent in structured JSON, checked against the newest version in this package. A value is never
repeated, because it may be personal data.
"""

import json
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import ValidationError

from contracts.checking import Finding, check
from contracts.envelope import STRUCTURED, InvalidEnvelope, read
from contracts.event import Event
from contracts.registry import EVENTS
from contracts.schema import schema_of


class Verified(NamedTuple):
    """One line: its number from 1, its type if that is known, and every error in it."""

    number: int
    type: str | None
    findings: list[Finding]


def verify(lines: Iterable[bytes]) -> Iterator[Verified]:
    """Check every line that is not empty, as a message to or from the platform."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield Verified(number, *_judge(line))


def _judge(line: bytes) -> tuple[str | None, list[Finding]]:
    try:
        document = json.loads(line, object_pairs_hook=_without_doubles, parse_constant=_no_number)
    except _Doubled as error:
        return None, [Finding("", "FIELD_TWICE", f"{error} stands twice in one object; keep one")]
    except (ValueError, RecursionError) as error:
        at = f", at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
        return None, [Finding("", "NOT_JSON", f"is not JSON in UTF-8{at}; write one whole message per line")]
    if not isinstance(document, dict):
        return None, [Finding("", "NOT_JSON", "is not a JSON object")]
    try:
        envelope, data = read([("content-type", STRUCTURED.encode())], line)
    except InvalidEnvelope as error:
        return None, [Finding("", "INVALID_ENVELOPE", f"is not a CloudEvent: {error}")]
    model = EVENTS.get(envelope.type)
    if model is None:
        return None, [_unknown_type(envelope.type)]
    if data is None:
        return envelope.type, [Finding("data", "NO_DATA", "is missing")]
    return envelope.type, list(_of_envelope(document)) + _of_data(model, data)


def _of_envelope(document: dict[str, Any]) -> Iterator[Finding]:
    content_type = document.get("datacontenttype", "application/json")
    if content_type != "application/json":
        yield Finding("datacontenttype", "CONTENT_TYPE", "has to be application/json, or be left out")


def _of_data(model: type[Event], data: bytes) -> list[Finding]:
    try:
        value = json.loads(data)
    except ValueError:
        return [Finding("data_base64", "NOT_JSON", "does not hold JSON")]
    found = check(schema_of(model), value)
    if not found:
        try:
            model.from_json(data)
        except ValidationError as error:
            found = [_read_error(dict(detail)) for detail in error.errors()]
    found += _national_numbers(value, "")
    return [Finding(_below_data(finding.path), finding.rule, finding.says) for finding in found]


def _read_error(detail: dict[str, Any]) -> Finding:
    return Finding(".".join(str(part) for part in detail["loc"]), "NOT_READ", f"is not read: {detail['type']}")


def _national_numbers(value: Any, path: str) -> Iterator[Finding]:
    """A reference may hold digits, but no national number."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _national_numbers(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for position, part in enumerate(value):
            yield from _national_numbers(part, f"{path}[{position}]")
    elif isinstance(value, str) and _is_national_number(re.sub("[ .:_-]", "", value)):
        yield Finding(path, "PERSONAL_DATA", "looks like a national number; use a reference that says nothing")


def _is_national_number(digits: str) -> bool:
    if not re.fullmatch("[0-9]{11}", digits):
        return False
    number, rest = int(digits[:9]), int(digits[9:])
    return any(97 - born % 97 == rest for born in (number, 2_000_000_000 + number))


def _below_data(path: str) -> str:
    return f"data.{path}" if path else "data"


def _unknown_type(type_: str) -> Finding:
    meant = get_close_matches(type_, EVENTS, 1, 0.8)
    hint = f"; perhaps {meant[0]} was meant" if meant else f"; there are {len(EVENTS)}, all under be.duaalwest"
    return Finding("type", "UNKNOWN_TYPE", f"is not one of our types{hint}")


class _Doubled(Exception):
    """The name of a field that stands twice in one object."""


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Doubled(name if name.isidentifier() and name.isascii() and len(name) <= 40 else "a field")
        found[name] = value
    return found


def _no_number(_name: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")
