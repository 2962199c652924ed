"""What every user of Kafka may do: no more than the manifests of the topics and of the partners say."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chassis.messaging.groups import group_of
from chassis.partners import Partner
from chassis.topics import topics_with


class Operation(StrEnum):
    """Read and Write include Describe; an idempotent producer needs no more than Write on a topic."""

    READ = "Read"
    WRITE = "Write"


class Resource(StrEnum):
    TOPIC = "topic"
    GROUP = "group"


@dataclass(frozen=True)
class Rule:
    """One thing that is allowed; what no rule allows is refused."""

    operation: Operation
    resource: Resource
    name: str
    prefix: bool = False
    """Whether it holds for every name that begins so. A prefix ends in the separator, so that no other id fits it."""


@dataclass(frozen=True)
class Quota:
    """How much of a broker a user gets. Requests beyond it are delayed, so that other users are not."""

    bytes_per_second: int
    """Limit for writing, and the same limit for reading."""
    thread_percentage: int = 25
    """Share of the time of one broker thread: requests with few bytes can be much work."""


@dataclass(frozen=True)
class Access:
    """A user, with everything that it may do."""

    user: str
    rules: tuple[Rule, ...]
    quota: Quota | None = None


def access_of(services: Iterable[str], partners: Iterable[Partner]) -> list[Access]:
    """Every user that may log in: the services first, then the partners."""
    partners = list(partners)
    return [*(_of_service(name, partners) for name in services), *(_of_partner(partner) for partner in partners)]


def _of_service(name: str, partners: Iterable[Partner]) -> Access:
    """A service writes and reads what the manifests of the topics say, in its own consumer group."""
    topics = topics_with(partner.id for partner in partners)
    written = [Rule(Operation.WRITE, Resource.TOPIC, topic.name) for topic in topics if name in topic.producers]
    read = [Rule(Operation.READ, Resource.TOPIC, topic.name) for topic in topics if name in topic.consumers]
    if not read:
        return Access(group_of(name), tuple(written))
    return Access(group_of(name), (*written, *read, Rule(Operation.READ, Resource.GROUP, group_of(name))))


def _of_partner(partner: Partner) -> Access:
    """A partner writes its events, and reads its own topics and those in its manifest."""
    written = [Rule(Operation.WRITE, Resource.TOPIC, partner.events_topic)] if partner.publishes else []
    own = [Rule(Operation.READ, resource, partner.prefix, prefix=True) for resource in Resource]
    agreed = [Rule(Operation.READ, Resource.TOPIC, name) for name in partner.reads]
    return Access(partner.user, (*written, *own, *agreed), Quota(partner.quota.bytes_per_second))
