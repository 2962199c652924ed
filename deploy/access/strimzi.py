"""The same users and topics as resources of Strimzi, the operator that runs Kafka on Kubernetes."""

from collections.abc import Iterable

import yaml

from chassis.topics import Topic
from deploy.access.rules import Access, Quota, Rule

CLUSTER = "duaal"
REPLICAS = 3


def users(accesses: Iterable[Access]) -> str:
    """A KafkaUser for each; Strimzi makes the passwords and keeps them in Secrets of the same names."""
    return yaml.safe_dump_all([_user(access) for access in accesses], sort_keys=False)


def topics(wanted: Iterable[Topic]) -> str:
    """A KafkaTopic for each."""
    return yaml.safe_dump_all([_topic(topic) for topic in wanted], sort_keys=False)


def _user(access: Access) -> dict[str, object]:
    return _resource("KafkaUser", access.user) | {
        "spec": {
            "authentication": {"type": "scram-sha-512"},
            "authorization": {"type": "simple", "acls": [_acl(rule) for rule in access.rules]},
            **({"quotas": _quotas(access.quota)} if access.quota else {}),
        }
    }


def _quotas(quota: Quota) -> dict[str, int]:
    return {
        "producerByteRate": quota.bytes_per_second,
        "consumerByteRate": quota.bytes_per_second,
        "requestPercentage": quota.thread_percentage,
    }


def _acl(rule: Rule) -> dict[str, object]:
    pattern = "prefix" if rule.prefix else "literal"
    return {
        "resource": {"type": str(rule.resource), "name": rule.name, "patternType": pattern},
        "operations": [str(rule.operation)],
    }


def _topic(topic: Topic) -> dict[str, object]:
    spec = {"partitions": topic.partitions, "replicas": REPLICAS, "config": topic.settings}
    return _resource("KafkaTopic", topic.name) | {"spec": spec}


def _resource(kind: str, name: str) -> dict[str, object]:
    labels = {"strimzi.io/cluster": CLUSTER}
    return {"apiVersion": "kafka.strimzi.io/v1", "kind": kind, "metadata": {"name": name, "labels": labels}}
