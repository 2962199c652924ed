"""Every rule of the gate is triggered by one pair of versions, and not by another."""

from datetime import date, datetime
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from contracts.compatibility import RULES, Order, changes, incompatibilities, order
from contracts.event import Event
from contracts.schema import version_of
from contracts.vocabulary import Code, OpenEnum
from deploy.contracts.opinions import accepts_all, counterexample, disagreements, reading
from tests.contract.models import an_event


class Few(OpenEnum):
    """A list of two."""

    A = "A"
    B = "B"
    UNKNOWN = "UNKNOWN"


class More(OpenEnum):
    """The same list, with a third value."""

    A = "A"
    B = "B"
    C = "C"
    UNKNOWN = "UNKNOWN"


class Light(BaseModel):
    """A part of an event."""

    model_config = ConfigDict(extra="forbid")

    weight: Annotated[int, Field(ge=0, le=10)]


class Heavy(Light):
    """The same part, with wider limits."""

    weight: Annotated[int, Field(ge=0, le=100)]


def count(least: int | None = None, most: int | None = None) -> Any:
    return Annotated[int, Field(ge=least, le=most)]


def codes(least: int | None = None, most: int | None = None) -> Any:
    return Annotated[tuple[Code, ...], Field(min_length=least, max_length=most)]


def digits(most: int) -> Any:
    return Annotated[str, Field(pattern=f"^[0-9]{{1,{most}}}$")]


BARE = an_event()
OPTIONAL = an_event(thing=(int | None, None))
REQUIRED = an_event(thing=int)

TRIPS: dict[str, tuple[type[Event], type[Event]]] = {
    "FIELD_ADDED": (BARE, OPTIONAL),
    "FIELD_REMOVED": (OPTIONAL, BARE),
    "VALUE_ADDED": (an_event(thing=Few), an_event(thing=More)),
    "VALUE_REMOVED": (an_event(thing=More), an_event(thing=Few)),
    "REQUIRED_FIELD_ADDED": (BARE, REQUIRED),
    "FIELD_REMOVED_THAT_READERS_REQUIRE": (REQUIRED, BARE),
    "OPTIONAL_BECAME_REQUIRED": (OPTIONAL, REQUIRED),
    "REQUIRED_BECAME_OPTIONAL": (REQUIRED, OPTIONAL),
    "TYPE_CHANGED": (an_event(thing=int), an_event(thing=Code)),
    "TYPE_NARROWED": (an_event(thing=float), an_event(thing=int)),
    "TYPE_WIDENED": (an_event(thing=int), an_event(thing=float)),
    "LIMIT_NARROWED": (an_event(thing=count(0, 200)), an_event(thing=count(0, 100))),
    "LIMIT_WIDENED": (an_event(thing=codes(most=2)), an_event(thing=codes(most=5))),
    "PATTERN_CHANGED": (an_event(thing=digits(3)), an_event(thing=digits(2))),
    "FORMAT_CHANGED": (an_event(thing=date), an_event(thing=datetime)),
    "TEXT_CHANGED_KIND": (an_event(thing=digits(2)), an_event(thing=date)),
    "DEFAULT_CHANGED": (an_event(thing=(bool, False)), an_event(thing=(bool, True))),
    "KEY_CHANGED": (BARE, an_event(key="other_id")),
    "TOPIC_CHANGED": (BARE, an_event(topic="duaal.test.others")),
}

MORE_TRIPS = [
    ("LIMIT_NARROWED", "thing", an_event(thing=count(least=0)), an_event(thing=count(least=1))),
    ("LIMIT_WIDENED", "thing", an_event(thing=count(least=1)), an_event(thing=int)),
    ("LIMIT_NARROWED", "thing", an_event(thing=codes()), an_event(thing=codes(least=1))),
    ("LIMIT_WIDENED", "thing", an_event(thing=codes(least=1)), an_event(thing=codes())),
    ("LIMIT_WIDENED", "thing.weight", an_event(thing=Light), an_event(thing=Heavy)),
    ("LIMIT_NARROWED", "thing[].weight", an_event(thing=tuple[Heavy, ...]), an_event(thing=tuple[Light, ...])),
    ("TYPE_CHANGED", "thing[]", an_event(thing=tuple[int, ...]), an_event(thing=tuple[bool, ...])),
    ("TYPE_CHANGED", "thing", an_event(thing=Few), an_event(thing=tuple[Few, ...])),
    ("TEXT_CHANGED_KIND", "thing", an_event(thing=Few), an_event(thing=digits(2))),
    ("DEFAULT_CHANGED", "thing", an_event(thing=(codes() | None, None)), an_event(thing=(codes(), ()))),
]


def names(old: type[Event], new: type[Event]) -> list[str]:
    return [change.rule for change in changes(version_of(old).writer, version_of(new).writer)]


def test_every_rule_is_seen_to_trip() -> None:
    assert set(TRIPS) == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_trips_on_its_change_and_not_without_it(rule: str) -> None:
    old, new = TRIPS[rule]
    assert names(old, new) == [rule]
    assert names(old, old) == names(new, new) == []


@pytest.mark.parametrize(("rule", "path", "old", "new"), MORE_TRIPS)
def test_a_change_is_named_with_its_place(rule: str, path: str, old: type[Event], new: type[Event]) -> None:
    (change,) = changes(version_of(old).writer, version_of(new).writer)
    assert (change.rule, change.path) == (rule, path)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_what_it_means_and_what_to_do(rule: str) -> None:
    assert RULES[rule].means.endswith(".")
    assert RULES[rule].do.endswith(".")


PAIRS = [pytest.param(*pair, id=rule) for rule, pair in TRIPS.items()]
PAIRS += [pytest.param(old, new, id=f"{rule} {path}") for rule, path, old, new in MORE_TRIPS]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_checker_and_falsifier_say_what_the_rules_say_in_both_directions(old: type[Event], new: type[Event]) -> None:
    assert disagreements(version_of(old), version_of(new), new, tries=10) == []
    assert disagreements(version_of(new), version_of(old), old, tries=10) == []


BREAKING = [rule for rule in RULES if RULES[rule].breaks and RULES[rule].in_schema]


@pytest.mark.parametrize("overlooked", BREAKING)
def test_a_rule_that_overlooks_its_change_is_found_out_by_checker_and_falsifier(overlooked: str) -> None:
    """The rule table is changed so that the rule counts as compatible."""
    old, new = TRIPS[overlooked]
    blind = {**RULES, overlooked: RULES["FIELD_ADDED"]}
    assert incompatibilities(changes(version_of(old).writer, version_of(new).writer), blind) == []
    found = " ".join(disagreements(version_of(old), version_of(new), new, blind))
    assert "the checker finds an incompatibility" in found
    assert "but this is not read: {" in found


def test_a_rule_that_refuses_a_compatible_change_is_found_out() -> None:
    old, new = TRIPS["FIELD_ADDED"]
    timid = {**RULES, "FIELD_ADDED": RULES["REQUIRED_FIELD_ADDED"]}
    (found,) = disagreements(version_of(old), version_of(new), new, timid)
    assert found.startswith("backward: the rules name an incompatibility, the checker finds none")


def test_the_falsifier_finds_a_reader_in_code_that_refuses_what_its_schema_allows() -> None:
    old, new = BARE, OPTIONAL
    (found,) = disagreements(version_of(old), version_of(new), REQUIRED)
    assert "backward: the rules name nothing, but this is not read" in found


def test_checker_and_falsifier_can_say_yes_and_no() -> None:
    wide, narrow = (version_of(model) for model in TRIPS["LIMIT_NARROWED"])
    assert accepts_all(wide.reader, narrow.writer)
    assert not accepts_all(narrow.reader, wide.writer)
    assert counterexample(narrow.writer, reading(wide.reader), tries=50) is None
    assert (counterexample(wide.writer, reading(narrow.reader), tries=50) or {})["thing"] > 100


@pytest.mark.parametrize(
    ("old", "new", "first"),
    [
        (BARE, OPTIONAL, Order.EITHER),
        (OPTIONAL, BARE, Order.READERS),
        (an_event(thing=Few), an_event(thing=More), Order.READERS),
        (an_event(thing=More), an_event(thing=Few), Order.WRITERS),
        (an_event(thing=More, more=(int | None, None)), an_event(thing=Few), None),
    ],
)
def test_who_is_deployed_first_follows_from_the_changes(
    old: type[Event], new: type[Event], first: Order | None
) -> None:
    assert order(changes(version_of(old).writer, version_of(new).writer)) is first
