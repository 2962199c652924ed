"""Every manifest agrees with the code: producers, consumers, key and retention."""

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from chassis.service import Service
from chassis.topics import PARTNER_TOPICS, TOPICS, Topic, consumed_by, topic_of
from contracts.event import Event, Timer
from contracts.registry import EVENTS
from deploy.services import SERVICES
from services.notifications.app import build as notifications
from tests.chassis.test_migrations import built
from tests.webhooks import a_secret, listening_to, manifest, settings_with

DEAD_LETTERS = ".dead-letters"
MANIFESTS = {**TOPICS, **PARTNER_TOPICS}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    """Every service, made by its own `app.build`; a partner asks for every type that may leave by webhook."""
    wants_all = manifest("all", "https://all.example.org/", *listening_to({"public", "internal"}))
    settings = settings_with(tmp_path_factory.mktemp("all"), [wants_all], {"all": a_secret()})
    return {name: built(name) for name in SERVICES} | {"notifications": notifications(settings)}


def handled_by(service: Service) -> set[type[Event]]:
    """The events for which a service has a handler or a projection."""
    return {kind for kind in service.handlers_by_message if issubclass(kind, Event)}


def events_on(topic: Topic) -> Iterator[type[Event]]:
    for model in EVENTS.values():
        if model.declaration.topic.replace("<service>", topic.owner) == topic.name:
            yield model


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS)
def test_a_topic_is_named_by_its_owner_and_published_by_it_alone(topic: Topic) -> None:
    platform, owner, _ = topic.name.split(".")
    assert (platform, owner) == ("duaal", topic.owner)
    assert topic.producers == (topic.owner,)
    assert topic.owner in SERVICES


@pytest.mark.parametrize("topic", MANIFESTS.values(), ids=MANIFESTS)
def test_a_topic_carries_events_all_keyed_as_it_says(topic: Topic) -> None:
    models = list(events_on(topic))
    assert models
    assert {model.declaration.key for model in models} == {topic.key}


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS)
def test_a_topic_has_twelve_partitions_and_is_kept_for_weeks(topic: Topic) -> None:
    assert topic.partitions == 12
    assert topic.retention_days == (14 if topic.name.endswith(DEAD_LETTERS) else 30)


@pytest.mark.parametrize("topic", MANIFESTS.values(), ids=MANIFESTS)
def test_what_is_about_a_learner_is_confidential(topic: Topic) -> None:
    fields = {name for model in events_on(topic) for name in model.model_fields}
    assert (topic.data_class == "confidential") == bool({"learner_id", "learner_reference"} & fields)


def test_every_partner_has_its_own_topics() -> None:
    names = {topic_of(declared, "vdab").name for declared in PARTNER_TOPICS}
    assert names == {"partner.vdab.events", "partner.vdab.rejected"}


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS)
def test_every_consumer_in_a_manifest_handles_an_event_of_the_topic(topic: Topic, services: dict[str, Service]) -> None:
    for name in topic.consumers:
        assert handled_by(services[name]) & set(events_on(topic)), name


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_consumes_the_topics_of_all_events_that_it_handles(name: str, services: dict[str, Service]) -> None:
    consumed = {model for topic in consumed_by(name) for model in events_on(TOPICS[topic])}
    assert handled_by(services[name]) <= consumed


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_topic_for_its_dead_letters(name: str) -> None:
    """Also one that listens to nobody yet: its first handler cannot forget it."""
    assert f"duaal.{name}{DEAD_LETTERS}" in TOPICS


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_handles_its_own_timers_and_no_event_of_its_own(name: str, services: dict[str, Service]) -> None:
    own = {model for model in EVENTS.values() if model.declaration.owner == name}
    assert handled_by(services[name]) & own == {model for model in own if issubclass(model, Timer)}


@pytest.mark.parametrize("model", [model for model in EVENTS.values() if issubclass(model, Timer)])
def test_a_timer_goes_to_its_own_service_only(model: type[Event]) -> None:
    owner = model.declaration.owner
    topic = TOPICS[model.declaration.topic]
    assert (topic.name, topic.consumers, topic.key) == (f"duaal.{owner}.timers", (owner,), "timer_id")


def test_a_manifest_with_an_unknown_field_is_refused() -> None:
    manifest = next(iter(TOPICS.values())).model_dump()
    with pytest.raises(ValidationError, match="retention_hours"):
        Topic.model_validate(manifest | {"retention_hours": 1})
