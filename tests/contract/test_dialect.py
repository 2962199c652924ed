"""Our events are in the dialect, and the linter refuses everything else and says where."""

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from contracts.dialect import violations
from contracts.event import Event
from contracts.registry import EVENTS
from contracts.vocabulary import Code, Severity
from tests.contract.models import an_event


class Closed(StrEnum):
    ONE = "ONE"
    TWO = "TWO"


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    weight: int


class OpenPart(BaseModel):
    weight: int


class Family(BaseModel):
    model_config = ConfigDict(extra="forbid")

    children: tuple["Family", ...] = ()


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    weight: int

    @field_validator("weight")
    @classmethod
    def is_even(cls, value: int) -> int:
        return value


def text(pattern: str) -> Any:
    return Annotated[str, Field(pattern=pattern)]


INSIDE = {
    "scalars": (int, float, bool, UUID, Code, Severity),
    "a list": (tuple[Code, ...], list[Severity], tuple[Part, ...]),
    "a part": (Part,),
    "limits": (Annotated[int, Field(ge=0, le=5)], Annotated[tuple[Code, ...], Field(min_length=1, max_length=3)]),
    "patterns": (text(r"^[0-9]{3}(\.[0-9]{2})?$"), text("^(a|b)$"), text("^[.+*?-]{1,4}$")),
}

OUTSIDE = {
    "a free dictionary": (dict[str, int], "thing: an object without named fields"),
    "anything": (Any, "thing: may be anything"),
    "an object that takes any field": (OpenPart, "thing: takes any field"),
    "an untagged choice": (int | Code, "thing: a choice between types"),
    "a choice of three": (int | bool | None, "thing: a choice between types"),
    "a choice between parts": (Part | Severity, "thing: a choice between types"),
    "a choice in a list": (tuple[int | bool, ...], "thing[]: a choice between types"),
    "null in a list": (tuple[int | None, ...], "thing[]: a choice between types"),
    "required null": (int | None, "thing: may be null and yet is not simply left out"),
    "null with another default": ((int | None, 5), "thing: may be null and yet is not simply left out"),
    "a fixed tuple": (tuple[int, Code], "thing: 'prefixItems' of array"),
    "a set": (set[Code], "thing: 'uniqueItems' of array"),
    "a list of anything": (list[Any], "thing: an array whose items may be anything"),
    "something that holds itself": (Family, "thing.children[]: holds itself"),
    "a closed list": (Closed, "thing: a closed list breaks every reader"),
    "fixed values": (Literal["A", "B"], "thing: a closed list breaks every reader"),
    "one fixed value": (Literal["A"], "thing: one fixed value"),
    "free text": (str, "thing: a text needs exactly one of"),
    "a text with a length only": (Annotated[str, Field(max_length=5)], "thing: 'maxLength' of string"),
    "another format": (timedelta, "thing: the format 'duration'"),
    "a number in a text": (Decimal, "thing: a choice between types"),
    "a step": (Annotated[int, Field(multiple_of=5)], "thing: 'multipleOf' of integer"),
    "an open limit": (Annotated[float, Field(gt=0)], "thing: 'exclusiveMinimum' of number"),
    "limits that nothing fits": (Annotated[int, Field(ge=5, le=1)], "thing: no number is within the limits"),
    "a pattern without an end": (text("^[0-9]+"), "thing: a pattern has to begin with ^ and end with $"),
    "digits of every script": (text(r"^\d+$"), "thing: the pattern means different things"),
    "any character": (text("^a.c$"), "thing: the pattern means different things"),
    "lazy repetition": (text("^a+?b$"), "thing: the pattern means different things"),
    "a flag": (text("^(?i)a$"), "thing: the pattern means different things"),
    "alternatives of which one is anchored": (text("^a|b$"), "thing: the ^ and $ of the pattern"),
    "a default of an object": ((Part, Part(weight=1)), "thing: an object has no default"),
    "a rule in code": (Strict, "Strict.is_even: a rule that no schema shows"),
}


@pytest.mark.parametrize("model", EVENTS.values(), ids=EVENTS)
def test_our_events_keep_to_the_dialect(model: type[Event]) -> None:
    assert violations(model) == []


@pytest.mark.parametrize("name", INSIDE)
def test_this_is_in_the_dialect(name: str) -> None:
    for annotation in INSIDE[name]:
        assert violations(an_event(thing=annotation)) == []
        assert violations(an_event(thing=(annotation | None, None))) == []


@pytest.mark.parametrize("name", OUTSIDE)
def test_this_is_not_and_the_finding_says_where(name: str) -> None:
    given, says = OUTSIDE[name]
    assert violations(an_event(thing=given))[0].startswith(says)


def test_a_field_has_one_spelling() -> None:
    (finding,) = violations(an_event(aThing=int))
    assert finding == "aThing: a field is named in snake_case"
