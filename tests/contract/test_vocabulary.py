"""The lists of codes: complete, closed for writers and open for readers."""

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts import vocabulary
from contracts.vocabulary import Code, OpenEnum, RiskSignal, Severity, Topic, known

LISTS = [
    thing
    for thing in vars(vocabulary).values()
    if isinstance(thing, type) and issubclass(thing, OpenEnum) and thing is not OpenEnum
]


def test_the_topics_of_questions_are_t01_to_t40() -> None:
    assert [topic.value for topic in Topic] == [*(f"T{number:02}" for number in range(1, 41)), "UNKNOWN"]


def test_the_risk_signals_are_r1_to_r10() -> None:
    assert [signal.value for signal in RiskSignal] == [*(f"R{number}" for number in range(1, 11)), "UNKNOWN"]


@pytest.mark.parametrize("kind", LISTS)
def test_every_list_can_say_that_it_does_not_know_and_never_writes_so(kind: type[OpenEnum]) -> None:
    adapter = TypeAdapter(kind)
    assert adapter.validate_json('"SOMETHING OF TOMORROW"') is kind("UNKNOWN")
    with pytest.raises(ValidationError, match="never written"):
        adapter.validate_python(kind("UNKNOWN"))
    with pytest.raises(ValidationError):
        adapter.validate_python("SOMETHING OF TOMORROW")
    assert "UNKNOWN" not in adapter.json_schema()["enum"]


@pytest.mark.parametrize("kind", LISTS)
def test_every_list_reads_what_it_writes(kind: type[OpenEnum]) -> None:
    adapter = TypeAdapter(kind)
    for member in kind:
        if member.name != "UNKNOWN":
            assert adapter.validate_json(adapter.dump_json(member)) is member


@pytest.mark.parametrize("value", ["1", "null", "true", "[]", "{}"])
def test_a_value_that_is_no_text_is_not_unknown_but_wrong(value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Severity).validate_json(value)


def test_only_what_we_know_is_passed_on() -> None:
    assert known(Severity.RED) is Severity.RED
    assert known(Severity.UNKNOWN) is None
    assert known(None) is None


@pytest.mark.parametrize("value", ["", " ", "a b", "Jan Peeters", "a@b", "-a", "x" * 81, "a\n", "é"])
def test_a_code_cannot_hold_a_sentence_a_name_or_an_address(value: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Code).validate_python(value)
