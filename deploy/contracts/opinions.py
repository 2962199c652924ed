"""Two independent checks of the rules: a checker that compares schemas, and a falsifier that tries messages.

The checker is jsonsubschema, which supports draft 4 and the regular expressions of greenery. `_plain` translates our
dialect to that: references are resolved, annotations dropped, lists of values become a pattern, and each format becomes
a pattern that matches its name only, because two formats only have to be recognised as different.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample
from jsonschema import Draft202012Validator, FormatChecker
from jsonsubschema import isSubschema
from pydantic import ValidationError

from contracts.checking import is_date, is_moment, is_uuid
from contracts.compatibility import RULES, Direction, Rule, changes, incompatibilities
from contracts.dialect import Schema, rebuilt
from contracts.event import Event
from contracts.schema import Version
from deploy.contracts.drawing import messages

Reads = Callable[[Any], bool]


def disagreements(
    old: Version, new: Version, model: type[Event], rules: Mapping[str, Rule] = RULES, tries: int = 60
) -> list[str]:
    """Where the checker or the falsifier contradicts the rules. `model` is the code of the new reader."""
    found: list[str] = []
    broken = incompatibilities(changes(old.writer, new.writer), rules)
    new_reads, old_reads = reading(new.reader), reading(old.reader)
    questions: list[tuple[Direction, Version, Version, Reads]] = [
        ("backward", old, new, lambda message: new_reads(message) and _reads(model, message)),
        ("forward", new, old, old_reads),
    ]
    for direction, writer, reader, readable in questions[: 1 if old == new else 2]:
        named = [rules[change.rule] for change in broken if direction in rules[change.rule].breaks]
        named = [rule for rule in named if rule.in_schema]
        pair = f"writer {writer.writer['$id']}, reader {reader.reader['$id']}"
        accepted = accepts_all(reader.reader, writer.writer)
        if accepted and any(not rule.cautious for rule in named):
            found.append(f"{direction}: the rules name an incompatibility, the checker finds none ({pair})")
        if not accepted and not named:
            found.append(f"{direction}: the rules name nothing, the checker finds an incompatibility ({pair})")
        if not named and (message := counterexample(writer.writer, readable, tries)) is not None:
            found.append(f"{direction}: the rules name nothing, but this is not read: {json.dumps(message)} ({pair})")
    return found


def accepts_all(reader: Schema, writer: Schema) -> bool:
    """Whether the reader accepts every message of the writer, according to jsonsubschema."""
    return bool(isSubschema(_plain(writer), _plain(reader)))


def counterexample(writer: Schema, reads: Reads, tries: int) -> Any | None:
    """A message that is valid for the writer and that the reader refuses; None when no try finds one."""
    effort = settings(
        max_examples=tries,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        return find(messages(writer), lambda message: not reads(message), settings=effort)
    except NoSuchExample:
        return None


def reading(reader: Schema) -> Reads:
    """A reader that checks its schema only."""
    return Draft202012Validator(reader, format_checker=_formats()).is_valid


def _reads(model: type[Event], message: Any) -> bool:
    try:
        model.from_json(json.dumps(message).encode())
    except ValidationError:
        return False
    return True


def _formats() -> FormatChecker:
    checker = FormatChecker(())
    for name, holds in (("uuid", is_uuid), ("date", is_date), ("date-time", is_moment)):
        checker.checks(name)(lambda value, holds=holds: not isinstance(value, str) or holds(value))
    return checker


_KNOWN = {"type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems"}
_KNOWN |= {"minimum", "maximum", "pattern", "anyOf"}


def _plain(schema: Schema) -> Schema:
    def plain(node: Schema) -> Schema:
        if "$ref" in node:
            return rebuilt(schema["$defs"][node["$ref"].removeprefix("#/$defs/")], plain)
        node = dict(node)
        if "enum" in node:
            node["pattern"] = f"^({'|'.join(_letter_by_letter(value) for value in node['enum'])})$"
        if "format" in node:
            node["pattern"] = f"^{node['format']}$"
        if "pattern" in node:
            node["pattern"] = node["pattern"].replace("-]", r"\-]")
        if not node.get("required"):
            node.pop("required", None)
        return {word: value for word, value in node.items() if word in _KNOWN}

    return rebuilt(schema, plain)


def _letter_by_letter(value: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", lambda found: rf"[\{found[0]}]" if found[0] in r"-\]^" else f"[{found[0]}]", value)
