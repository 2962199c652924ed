"""Every event: its type never changes, its key is its topic's, closed when written and open when read."""

import json
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from chassis.topics import PARTNER_TOPICS, TOPICS
from contracts.event import Event, event
from contracts.matching import MatchProposed
from contracts.operations import DeadLetterOpened
from contracts.partner import EVENTS as PARTNER_EVENTS
from contracts.partner import MessageRejected
from contracts.registry import EVENTS
from contracts.vocabulary import Criterion, DeadLetterReason
from tests.contract.test_examples import example

MANIFESTS = {**TOPICS, **PARTNER_TOPICS}
MODELS = [pytest.param(model, id=type_) for type_, model in EVENTS.items()]


@pytest.mark.parametrize("model", MODELS)
def test_a_type_names_its_owner_its_event_and_its_major_version(model: type[Event]) -> None:
    platform, organisation, owner, name, version = model.declaration.type.split(".")
    assert (platform, organisation, owner, name) == ("be", "duaalwest", model.declaration.owner, model.__name__)
    assert version == "v1"


@pytest.mark.parametrize("model", MODELS)
def test_its_topic_has_a_manifest_whose_key_is_its_own_and_an_id(model: type[Event]) -> None:
    topics = [topic for name, topic in MANIFESTS.items() if _fits(name, model.declaration.topic)]
    assert topics
    assert {topic.key for topic in topics} == {model.declaration.key}
    annotation = model.model_fields[model.declaration.key].annotation
    # Events of a partner are keyed by its own reference.
    of_a_partner = model.declaration.topic == PARTNER_EVENTS
    assert getattr(annotation, "__supertype__", annotation) is (str if of_a_partner else UUID)


@pytest.mark.parametrize("model", MODELS)
def test_its_owner_publishes_on_its_topic(model: type[Event]) -> None:
    for name, topic in MANIFESTS.items():
        if _fits(name, model.declaration.topic) and model not in (DeadLetterOpened, MessageRejected):
            assert topic.producers == (model.declaration.owner,)


def _fits(name: str, declared: str) -> bool:
    before, _, after = declared.partition("<service>")
    return name == declared or bool(after and name.startswith(before) and name.endswith(after))


@pytest.mark.parametrize("model", MODELS)
def test_it_says_in_one_sentence_what_happened(model: type[Event]) -> None:
    assert model.__doc__
    assert model.__doc__.splitlines()[0].endswith((".", ","))


@pytest.mark.parametrize("model", MODELS)
def test_it_cannot_be_changed_once_it_is_written(model: type[Event]) -> None:
    event = model.from_json(json.dumps(example(model, "full")["data"]).encode())
    with pytest.raises(ValidationError, match="frozen"):
        setattr(event, model.declaration.key, None)


@pytest.mark.parametrize("model", MODELS)
def test_a_writer_may_not_add_a_field(model: type[Event]) -> None:
    data = model.from_json(json.dumps(example(model, "full")["data"]).encode()).model_dump()
    model(**data)
    with pytest.raises(ValidationError, match="extra_forbidden"):
        model(**data | {"nickname": "x"})


@pytest.mark.parametrize("model", MODELS)
def test_a_reader_ignores_a_field_that_it_does_not_know_at_any_depth(model: type[Event]) -> None:
    data = example(model, "full")["data"]
    assert model.from_json(json.dumps(_with_more_fields(data)).encode()) == model.from_json(json.dumps(data).encode())


def _with_more_fields(data: Any) -> Any:
    if isinstance(data, list):
        return [_with_more_fields(item) for item in data]
    if isinstance(data, dict):
        return {name: _with_more_fields(value) for name, value in data.items()} | {"of_tomorrow": {"a": [1]}}
    return data


@pytest.mark.parametrize("model", MODELS)
def test_a_reader_reads_back_what_a_writer_wrote(model: type[Event]) -> None:
    event = model.from_json(json.dumps(example(model, "full")["data"]).encode())
    assert model.from_json(event.to_json()) == event


@pytest.mark.parametrize("model", MODELS)
def test_what_is_absent_is_left_out_and_not_written_as_null(model: type[Event]) -> None:
    event = model.from_json(json.dumps(example(model, "minimal")["data"]).encode())
    assert None not in json.loads(event.to_json()).values()


def test_a_reader_makes_unknown_of_a_value_of_tomorrow_at_any_depth() -> None:
    data = example(MatchProposed, "full")["data"]
    data["subregion"] = data["reasons"][0]["criterion"] = "OF_TOMORROW"
    event = MatchProposed.from_json(json.dumps(data).encode())
    assert event.subregion.name == "UNKNOWN"
    assert [reason.criterion for reason in event.reasons] == [Criterion.UNKNOWN, Criterion.DAYS]


def test_a_writer_may_not_write_unknown_at_any_depth() -> None:
    notice = DeadLetterOpened.from_json(json.dumps(example(DeadLetterOpened, "full")["data"]).encode())
    with pytest.raises(ValidationError, match="never written"):
        DeadLetterOpened(**notice.model_dump() | {"reason": DeadLetterReason.UNKNOWN})
    match = MatchProposed.from_json(json.dumps(example(MatchProposed, "full")["data"]).encode()).model_dump()
    match["reasons"][0]["criterion"] = Criterion.UNKNOWN
    with pytest.raises(ValidationError, match="never written"):
        MatchProposed(**match)


def test_an_event_cannot_be_keyed_by_a_field_that_it_does_not_have() -> None:
    with pytest.raises(TypeError, match="nobody_id"):

        @event("be.duaalwest.test.Keyless.v1", topic="t", key="nobody_id")
        class Keyless(Event):
            """Has no field at all."""
