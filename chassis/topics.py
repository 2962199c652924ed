"""The topic manifests of the contracts: who owns a topic, who consumes it, its key, partitions and retention."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

DAY_MS = 24 * 60 * 60 * 1000


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
