"""Rights follow from the manifests and are no wider, in every format in which they are written."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from chassis.partners import Partner, read_partners
from chassis.topics import TOPICS, Topic, topics_with
from deploy.access import strimzi
from deploy.access.listing import listing
from deploy.access.passwords import Passwords
from deploy.access.rules import Access, Operation, Resource, access_of
from deploy.cli import app
from deploy.local.platform import PARTNERS
from deploy.local.stack import StackError
from deploy.services import SERVICES

DEMO = read_partners(PARTNERS)
ACCESSES = access_of(SERVICES, DEMO.values())


def users_who(operation: Operation, topic: str) -> set[str]:
    return {
        access.user
        for access in ACCESSES
        for rule in access.rules
        if (rule.operation, rule.resource) == (operation, Resource.TOPIC)
        and (topic.startswith(rule.name) if rule.prefix else topic == rule.name)
    }


@pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS)
def test_a_topic_is_written_by_its_producers_and_read_by_its_consumers_and_agreed_partners(topic: Topic) -> None:
    assert users_who(Operation.WRITE, topic.name) == {f"duaal.{service}" for service in topic.producers}
    partners = {partner.user for partner in DEMO.values() if topic.name in partner.reads}
    assert users_who(Operation.READ, topic.name) == {f"duaal.{service}" for service in topic.consumers} | partners


@pytest.mark.parametrize("partner", DEMO.values(), ids=DEMO)
def test_a_partner_alone_writes_its_events_and_intake_alone_its_refusals(partner: Partner) -> None:
    assert users_who(Operation.WRITE, partner.events_topic) == ({partner.user} if partner.publishes else set())
    assert users_who(Operation.WRITE, partner.rejected_topic) == {"duaal.intake"}
    assert users_who(Operation.READ, partner.rejected_topic) == {partner.user}


@pytest.mark.parametrize("access", ACCESSES, ids=lambda access: access.user)
def test_a_prefix_is_ones_own_and_ends_in_the_separator(access: Access) -> None:
    assert {rule.name for rule in access.rules if rule.prefix} <= {f"{access.user}."}
    assert (access.quota is None) == access.user.startswith("duaal.")


def test_the_listing_has_a_line_for_every_right() -> None:
    lines = listing(ACCESSES).splitlines()
    rights = [line.split() for line in lines if line.startswith(" ")]
    assert len(rights) == sum(len(access.rules) for access in ACCESSES)
    assert ["Write", "topic", "only", "partner.vdab.events"] in rights
    assert ["Read", "group", "prefix", "partner.vdab."] in rights


def test_strimzi_gets_the_same_users_rights_and_quotas() -> None:
    users = {user["metadata"]["name"]: user["spec"] for user in yaml.safe_load_all(strimzi.users(ACCESSES))}
    for access in ACCESSES:
        acls = users[access.user]["authorization"]["acls"]
        assert [(acl["resource"]["name"], acl["operations"]) for acl in acls] == [
            (rule.name, [rule.operation]) for rule in access.rules
        ]
        assert [acl["resource"]["patternType"] == "prefix" for acl in acls] == [rule.prefix for rule in access.rules]
    assert users["partner.vdab"]["quotas"]["producerByteRate"] == DEMO["vdab"].quota.bytes_per_second
    assert "quotas" not in users["duaal.intake"]
    topics = {
        topic["metadata"]["name"]: topic["spec"] for topic in yaml.safe_load_all(strimzi.topics(topics_with(DEMO)))
    }
    assert len(topics) == len(TOPICS) + 2 * len(DEMO)
    assert topics["partner.vdab.events"]["config"]["message.timestamp.type"] == "LogAppendTime"


def test_one_command_writes_everything_that_follows_from_the_manifests(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["partners", "generate", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    made = {file.name for file in tmp_path.iterdir()}
    pages = {f"{partner}.{kind}" for partner in DEMO for kind in ("asyncapi.yaml", "html")}
    assert made == {"access.txt", "kafka-users.yaml", "kafka-topics.yaml"} | pages
    assert "partner.vdab.events" in (tmp_path / "vdab.asyncapi.yaml").read_text()
    assert "partner.unizo" not in (tmp_path / "vdab.asyncapi.yaml").read_text()
    assert (tmp_path / "access.txt").read_text() == listing(ACCESSES)


def test_when_kafka_cannot_be_reached_one_sentence_says_what_to_check() -> None:
    done = CliRunner().invoke(app, ["partners", "apply", "127.0.0.1:1", "--user", "root"])
    assert isinstance(done.exception, StackError)
    assert "root cannot log in to Kafka at 127.0.0.1:1: the address, the user or the password" in str(done.exception)


def test_a_password_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    file = tmp_path / "passwords.json"
    first = Passwords(file).of("partner.vdab")
    assert Passwords(file).of("partner.vdab") == first != Passwords(file).of("partner.unizo")
    assert file.stat().st_mode & 0o077 == 0
