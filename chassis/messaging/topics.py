"""The topic manifests of the contracts, and what makes Kafka's topics like them; a service never does at its start."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code
from pydantic import BaseModel, ConfigDict

from chassis.messaging.login import Login, client_arguments

DAY_MS = 24 * 60 * 60 * 1000
OF_THE_TOPIC = 1
"""Where a setting comes from, in Kafka's numbers: set on the topic itself."""


class Topic(BaseModel):
    """One manifest. The key and the number of partitions are the decisions that cannot be taken back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    owner: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    key: str
    partitions: int
    retention_days: int
    data_class: Literal["public", "internal", "confidential", "restricted"]

    @property
    def settings(self) -> dict[str, str]:
        """What Kafka has to know of it, in Kafka's words."""
        settings = {"retention.ms": str(self.retention_days * DAY_MS)}
        if self.owner == "partner":
            # Age and quota count from when the broker took a message, not from what its sender says.
            settings["message.timestamp.type"] = "LogAppendTime"
            # The broker unpacks what a partner sends, and then looks at its size: a kilobyte that unpacks to 64 MB
            # is refused there, and never gets into the memory of who reads it.
            settings["compression.type"] = "uncompressed"
        return settings


def _read() -> dict[str, Topic]:
    manifests = sorted(
        (path for path in files("contracts").joinpath("topics").iterdir() if path.name.endswith(".yaml")),
        key=lambda path: path.name,
    )
    topics = [Topic.model_validate(yaml.safe_load(path.read_text())) for path in manifests]
    return {topic.name: topic for topic in topics}


_MANIFESTS = _read()

PARTNER = "<partner>"
"""Stands for the id of a partner in the name of a topic that every partner has one of."""

TOPICS = {name: topic for name, topic in _MANIFESTS.items() if PARTNER not in name}
"""The topics that exist once."""
PARTNER_TOPICS = {name: topic for name, topic in _MANIFESTS.items() if PARTNER in name}
"""The topics that every partner has, by their declared names."""


def manifest_of(name: str) -> Topic:
    """The manifest of a topic by its own name, that of a partner's topic included."""
    if name in TOPICS:
        return TOPICS[name]
    owner, partner, rest = name.split(".")
    return topic_of(f"{owner}.{PARTNER}.{rest}", partner)


def topic_of(declared: str, partner: str) -> Topic:
    """The topic of one partner."""
    return PARTNER_TOPICS[declared].model_copy(update={"name": declared.replace(PARTNER, partner)})


@cache
def consumed_by(service: str) -> list[str]:
    """Names of the topics whose manifest lists this service as a consumer."""
    return [topic.name for topic in TOPICS.values() if service in topic.consumers]


def topics_with(partners: Iterable[str]) -> list[Topic]:
    """Every topic that has to exist: those of the platform, and those of each partner."""
    own = [topic_of(declared, partner) for partner in partners for declared in PARTNER_TOPICS]
    return [*TOPICS.values(), *own]


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
            settings[topic] = {name: value for name, value, _, source, *_ in entries if source == OF_THE_TOPIC}
    return settings


def _resource(topic: Topic, settings: Mapping[str, str] | None = None) -> ConfigResource:
    return ConfigResource(ConfigResourceType.TOPIC, topic.name, settings)


def _line(topic: Topic, name: str, before: str | None, after: str) -> str:
    return f"{topic.name}: {name} {f'from {before} ' if before else ''}to {after}"
