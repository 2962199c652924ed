"""Creates Kafka's topics with the settings of their manifests. A command does this, never a service at its start."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from chassis.login import Login
from chassis.messaging.connections import client_arguments
from chassis.topics import Topic, topics_with

SET_ON_THE_TOPIC = 1
"""Kafka's number for a setting that was set on the topic itself, not taken over from the broker."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What was not as the manifests say: made, changed, or too late to change."""

    made: list[str]
    """Names of topics that were not there."""
    changed: list[str]
    """A line for each setting."""
    too_narrow: list[str]
    """A line for each topic that has fewer partitions than it should."""


async def create_topics(
    bootstrap_servers: str, *, replication: int = 1, partners: Iterable[str] = (), login: Login | None = None
) -> Difference:
    """Make every topic that does not exist yet, and give those that do the settings of their manifests.

    The number of partitions stays as it is: another one sends the events of a key elsewhere, out of order.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, **client_arguments(login))
    await admin.start()
    try:
        partitions = {one["topic"]: len(one["partitions"]) for one in await admin.describe_topics()}
        plan = topics_with(partners)
        missing = [topic for topic in plan if topic.name not in partitions]
        existing = [topic for topic in plan if topic.name in partitions]
        await _make(admin, missing, replication)
        return Difference(
            made=[topic.name for topic in missing],
            changed=await _align(admin, existing),
            too_narrow=[
                f"{topic.name} has {partitions[topic.name]} partitions and its manifest says {topic.partitions}: "
                "that cannot be changed without breaking the order per key, so it stays"
                for topic in existing
                if partitions[topic.name] < topic.partitions
            ],
        )
    finally:
        await admin.close()


async def _make(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replication: int) -> None:
    response = await admin.create_topics([_new(topic, replication) for topic in topics])
    for _, code, *_ in response.topic_errors if topics else ():
        if code and code != TopicAlreadyExistsError.errno:
            raise for_code(code)


def _new(topic: Topic, replication: int) -> NewTopic:
    return NewTopic(topic.name, topic.partitions, replication, topic_configs=topic.settings)


async def _align(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> list[str]:
    """Give topics the settings of their manifests; the answer is a line for each that was another."""
    lines: list[str] = []
    changes: list[ConfigResource] = []
    found = await _own_settings(admin, topics)
    for topic in topics:
        own = found[topic.name]
        if wrong := {name: value for name, value in topic.settings.items() if own.get(name) != value}:
            # What is not in the request falls back to the broker's default, so what somebody else set is repeated.
            changes.append(_resource(topic, {**own, **wrong}))
            lines += [_line(topic, name, own.get(name), value) for name, value in wrong.items()]
    for response in await admin.alter_configs(changes) if changes else ():
        for code, *_ in response.resources:
            if code:
                raise for_code(code)
    return lines


async def _own_settings(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> dict[str, dict[str, str]]:
    """The settings that topics have of their own, besides what they take from the broker."""
    settings: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs([_resource(topic) for topic in topics]):
        for code, _, _, topic, entries in response.resources:
            if code:
                raise for_code(code)
            settings[topic] = {name: value for name, value, _, source, *_ in entries if source == SET_ON_THE_TOPIC}
    return settings


def _resource(topic: Topic, settings: Mapping[str, str] | None = None) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, topic.name, settings)


def _line(topic: Topic, name: str, before: str | None, after: str) -> str:
    return f"{topic.name}: {name} {f'from {before} ' if before else ''}to {after}"
