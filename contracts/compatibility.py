"""The kinds of change between two versions of an event: which side each breaks, and what to do instead.

Every pair of versions is compared in two directions. *Backward*: does the new reader read what an old writer wrote
(records on the topic, or of a writer that is not deployed again yet)? *Forward*: does an old reader read what the new
writer writes? Both are required, and both are possible at once, because writers are closed and readers are open.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from contracts.dialect import Schema

Direction = Literal["backward", "forward"]
BACKWARD: frozenset[Direction] = frozenset({"backward"})
FORWARD: frozenset[Direction] = frozenset({"forward"})
BOTH = BACKWARD | FORWARD
NEITHER: frozenset[Direction] = frozenset()


class Order(StrEnum):
    """Which side has to be deployed first, for a change that is compatible."""

    EITHER = "either side first"
    READERS = "readers first"
    WRITERS = "writers first"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of change: in which directions it breaks, what that means, and what to do."""

    breaks: frozenset[Direction]
    means: str
    do: str
    order: Order = Order.EITHER
    in_schema: bool = True
    """False: messages stay valid but change their meaning, so validation cannot find this."""
    cautious: bool = False
    """Always refused, although some changes of this kind would be harmless in one direction."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change between two versions: the name of its rule, the field, and the old and new value."""

    rule: str
    path: str
    was: Any = None
    now: Any = None


RULES: Mapping[str, Rule] = {
    "FIELD_ADDED": Rule(NEITHER, "Old readers ignore the new optional field; new readers do without it.", "Nothing."),
    "FIELD_REMOVED": Rule(
        NEITHER,
        "Old readers do without the optional field, as they always had to.",
        "Deploy the readers that no longer count on it, then the writers.",
        Order.READERS,
    ),
    "VALUE_ADDED": Rule(
        NEITHER,
        "Old readers take the new value of the list for UNKNOWN and cannot act on it.",
        "Deploy the readers that know it, then the writers.",
        Order.READERS,
    ),
    "VALUE_REMOVED": Rule(
        NEITHER,
        "New readers take the value for UNKNOWN when they meet it in an old message.",
        "Deploy the writers, wait until the topic holds no old message, then deploy the readers.",
        Order.WRITERS,
    ),
    "REQUIRED_FIELD_ADDED": Rule(
        BACKWARD,
        "New readers refuse every message that was written before the field was there.",
        "Add it as an optional field; readers say what they do without it.",
    ),
    "FIELD_REMOVED_THAT_READERS_REQUIRE": Rule(
        FORWARD,
        "Old readers refuse every message without the field.",
        "Keep writing it, or publish a new major version beside this one until nobody reads this one.",
    ),
    "OPTIONAL_BECAME_REQUIRED": Rule(
        BACKWARD,
        "New readers refuse the old messages that left the field out.",
        "Leave it optional in the contract and always write it.",
    ),
    "REQUIRED_BECAME_OPTIONAL": Rule(
        FORWARD,
        "Old readers refuse the new messages that leave the field out.",
        "Keep writing it, or publish a new major version.",
    ),
    "TYPE_CHANGED": Rule(
        BOTH,
        "Readers of either version refuse what the other version writes.",
        "Add an optional field of the new type under a new name.",
    ),
    "TYPE_NARROWED": Rule(
        BACKWARD,
        "New readers want whole numbers and refuse the fractions in old messages.",
        "Add an optional field for the whole number under a new name.",
    ),
    "TYPE_WIDENED": Rule(
        FORWARD,
        "Old readers want whole numbers and refuse the fractions in new messages.",
        "Add an optional field for the fraction under a new name.",
    ),
    "LIMIT_NARROWED": Rule(
        BACKWARD,
        "New readers refuse old messages that used the room they had.",
        "Leave the limit in the contract and keep to the new one in the writer's own code.",
    ),
    "LIMIT_WIDENED": Rule(
        FORWARD,
        "Old readers refuse new messages that use the new room.",
        "Add an optional field with the wider limit under a new name, or publish a new major version.",
    ),
    "PATTERN_CHANGED": Rule(
        BOTH,
        "A text that one version writes may be refused by the other; two patterns cannot be compared by eye.",
        "Add an optional field with the new pattern under a new name.",
        cautious=True,
    ),
    "FORMAT_CHANGED": Rule(
        BOTH,
        "What one version writes as a day, a moment or an id, the other does not read as such.",
        "Add an optional field of the new format under a new name.",
        cautious=True,
    ),
    "TEXT_CHANGED_KIND": Rule(
        BOTH,
        "A text was held to a list, a pattern or a format and is now held to another of these.",
        "Add an optional field under a new name.",
        cautious=True,
    ),
    "DEFAULT_CHANGED": Rule(
        BOTH,
        "A message without the field says one thing to an old reader and another to a new one.",
        "Leave the default; write the value out where it differs.",
        in_schema=False,
    ),
    "KEY_CHANGED": Rule(
        BOTH,
        "Messages about one thing land in other partitions than before: their order is lost.",
        "Publish a new major version keyed by the other field.",
        in_schema=False,
    ),
    "TOPIC_CHANGED": Rule(
        BOTH,
        "Readers of the old topic never see the event again, and those of the new one not what came before.",
        "Publish a new major version on the other topic, and both until nobody reads the old one.",
        in_schema=False,
    ),
}
"""Every change that the dialect allows to be made, by name."""


def changes(old: Schema, new: Schema) -> list[Change]:
    """Every change from one writer schema to another of the same type."""
    found = []
    for word, rule in (("x-topic", "TOPIC_CHANGED"), ("x-key", "KEY_CHANGED")):
        if old.get(word) != new.get(word):
            found.append(Change(rule, "event", old.get(word), new.get(word)))
    return [*found, *_Comparison(old, new).objects(old, new, "")]


def incompatibilities(found: Iterable[Change], rules: Mapping[str, Rule] = RULES) -> list[Change]:
    """The changes that break one of the two directions."""
    return [change for change in found if rules[change.rule].breaks]


def order(found: Iterable[Change]) -> Order | None:
    """Which side is deployed first; None when some changes need readers first and others writers first."""
    asked = {RULES[change.rule].order for change in found} - {Order.EITHER}
    return None if len(asked) > 1 else next(iter(asked), Order.EITHER)


_LIMITS = {"minimum": -1, "minItems": -1, "maximum": 1, "maxItems": 1}
"""The direction in which each limit becomes wider."""
_KINDS_OF_TEXT = ("enum", "pattern", "format")


class _Comparison:
    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new

    def objects(self, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        before, after = old["properties"], new["properties"]
        for name in sorted(before.keys() | after.keys()):
            here = f"{path}.{name}" if path else name
            was_required, is_required = (name in part.get("required", ()) for part in (old, new))
            if name not in after:
                yield Change("FIELD_REMOVED_THAT_READERS_REQUIRE" if was_required else "FIELD_REMOVED", here)
            elif name not in before:
                yield Change("REQUIRED_FIELD_ADDED" if is_required else "FIELD_ADDED", here)
            else:
                if was_required != is_required:
                    yield Change("OPTIONAL_BECAME_REQUIRED" if is_required else "REQUIRED_BECAME_OPTIONAL", here)
                elif before[name].get("default") != after[name].get("default"):
                    yield Change("DEFAULT_CHANGED", here, before[name].get("default"), after[name].get("default"))
                yield from self._values(before[name], after[name], here)

    def _values(self, old: Schema, new: Schema, path: str) -> Iterator[Change]:
        old, new = _target(self._old, old), _target(self._new, new)
        was, now = old["type"], new["type"]
        if was != now:
            rule = {("integer", "number"): "TYPE_WIDENED", ("number", "integer"): "TYPE_NARROWED"}.get((was, now))
            yield Change(rule or "TYPE_CHANGED", path, was, now)
        if was == now == "object":
            yield from self.objects(old, new, path)
        elif was == now == "array":
            yield from self._values(old["items"], new["items"], f"{path}[]")
        elif was == now == "string":
            yield from _texts(old, new, path)
        if was == now or {was, now} == {"integer", "number"}:
            yield from _limits(old, new, path)


def _target(root: Schema, node: Schema) -> Schema:
    target: Schema = root["$defs"][node["$ref"].removeprefix("#/$defs/")] if "$ref" in node else node
    return target


def _texts(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    was, now = (next(kind for kind in _KINDS_OF_TEXT if kind in node) for node in (old, new))
    if was != now:
        yield Change("TEXT_CHANGED_KIND", path, was, now)
    elif was == "enum":
        for value in sorted(set(new["enum"]) - set(old["enum"])):
            yield Change("VALUE_ADDED", path, now=value)
        for value in sorted(set(old["enum"]) - set(new["enum"])):
            yield Change("VALUE_REMOVED", path, was=value)
    elif old[was] != new[now]:
        yield Change(f"{was.upper()}_CHANGED", path, old[was], new[now])


def _limits(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    for word, wider in _LIMITS.items():
        was, now = (node.get(word, wider * float("inf")) for node in (old, new))
        if word == "minItems":
            was, now = max(was, 0), max(now, 0)
        if was != now:
            yield Change("LIMIT_WIDENED" if (now - was) * wider > 0 else "LIMIT_NARROWED", path, was, now)
