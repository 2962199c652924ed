"""A real secured Kafka refuses everything that no manifest allows, for every user and every kind of request."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_IMODE

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    NoError,
    TopicAuthorizationFailedError,
)
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    NewTopic,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.errors import ClusterAuthorizationFailedError
from kafka.errors import TopicAuthorizationFailedError as MayNotCreate

from chassis.login import Login
from chassis.messaging.connections import client_arguments
from chassis.messaging.groups import group_of
from chassis.partners import Partner
from chassis.topics import topics_with
from deploy.local.providers import KAFKA_VARIABLE, Provider
from deploy.local.stack import ADMIN, Kafka, Stack, StackError, State
from deploy.services import SERVICES
from tests.local.granting import DEMO, a_partner, allow
from tests.local.intruder import intruder

WEST = a_partner("vdab-west")
"""A partner whose id begins with the id of another partner."""
EVERYBODY = [*DEMO.values(), WEST]
EXISTING = {topic.name for topic in topics_with(partner.id for partner in EVERYBODY)}
TEMPTING = {"__consumer_offsets", "partner.vdab", "partner.", "duaal.intake.secrets"}
"""Kafka's own topic, and names that no user has rights on."""


@dataclass(frozen=True)
class User:
    """A user, with its rights according to the manifests."""

    name: str
    writes: frozenset[str]
    reads: frozenset[str]
    group: str


def of_partner(partner: Partner) -> User:
    writes = {partner.events_topic} if partner.publishes else set()
    own = {partner.events_topic, partner.rejected_topic}
    return User(partner.user, frozenset(writes), frozenset(own | set(partner.reads)), f"partner.{partner.id}.reader")


def of_service(name: str) -> User:
    topics = topics_with(partner.id for partner in EVERYBODY)
    return User(
        group_of(name),
        frozenset(topic.name for topic in topics if name in topic.producers),
        frozenset(topic.name for topic in topics if name in topic.consumers),
        group_of(name),
    )


USERS = [*map(of_partner, EVERYBODY), *map(of_service, SERVICES)]


@pytest.fixture(scope="module")
def kafka(secured_stack: Stack) -> Iterator[Kafka]:
    """A secured Kafka with all topics, and the rights of the manifests."""
    kafka = secured_stack.kafka
    allow(kafka, WEST)
    yield kafka
    allow(kafka)


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
async def test_nobody_writes_where_the_manifests_do_not_say_so(kafka: Kafka, user: User) -> None:
    forbidden = (EXISTING | TEMPTING) - user.writes
    async with intruder(kafka, user.name) as client, intruder(kafka, ADMIN) as admin:
        before = await admin.ends(EXISTING)
        answers = await client.write(forbidden, broken=user.writes)
        after = await admin.ends(EXISTING)
    assert {topic for topic, error in answers.items() if error is not TopicAuthorizationFailedError} == user.writes
    assert after == before
    assert len(after) == len(EXISTING)


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
async def test_nobody_reads_what_the_manifests_do_not_say(kafka: Kafka, user: User) -> None:
    async with intruder(kafka, user.name) as client:
        answers = await client.read(EXISTING | TEMPTING)
    assert {topic for topic, error in answers.items() if error is NoError} == user.reads
    assert {error for topic, error in answers.items() if topic not in user.reads} == {TopicAuthorizationFailedError}


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
async def test_nobody_touches_the_consumer_group_of_another(kafka: Kafka, user: User) -> None:
    async with intruder(kafka, user.name) as client:
        refused = {group: set((await client.join(group)).values()) for group in {other.group for other in USERS}}
    own = refused.pop(user.group)
    # Who reads nothing needs no group, not even its own.
    assert (GroupAuthorizationFailedError in own) == (not user.reads)
    assert set(map(frozenset, refused.values())) == {frozenset({GroupAuthorizationFailedError})}


async def test_a_partner_reaches_nothing_of_one_whose_name_begins_like_its_own(kafka: Kafka) -> None:
    async with intruder(kafka, "partner.vdab") as client:
        written = await client.write([WEST.events_topic])
        read = await client.read([WEST.events_topic, WEST.rejected_topic])
        joined = await client.join("partner.vdab-west.reader")
    assert {*written.values(), *read.values()} == {TopicAuthorizationFailedError}
    assert set(joined.values()) == {GroupAuthorizationFailedError}


async def test_a_partner_sends_with_an_idempotent_producer_and_reads_in_a_group_of_its_own(kafka: Kafka) -> None:
    login = client_arguments(kafka.login(WEST.user))
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, enable_idempotence=True, **login
    ) as producer:
        sent = await producer.send_and_wait(WEST.events_topic, b"{}", key=b"reference")
    async with AIOKafkaConsumer(
        WEST.events_topic,
        bootstrap_servers=kafka.bootstrap_servers,
        group_id="partner.vdab-west.reader",
        auto_offset_reset="earliest",
        **login,
    ) as consumer:
        found = await consumer.getone()
        await consumer.commit()
    assert (found.key, sent.topic) == (b"reference", WEST.events_topic)


@pytest.mark.parametrize("user", [DEMO["vdab"].user, group_of("intake")])
def test_nobody_but_the_admin_hands_out_rights_passwords_or_topics(kafka: Kafka, user: str) -> None:
    login = client_arguments(kafka.login(user))
    with KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers, **login) as admin:
        refused = admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion("partner.unizo", ScramMechanism.SCRAM_SHA_512, "mine now")]
        )
        assert "needs ALTER permission" in refused["partner.unizo"]
        everything = ResourcePattern(ResourceType.TOPIC, "*")
        right = ACL(f"User:{user}", "*", ACLOperation.ALL, ACLPermissionType.ALLOW, everything)
        assert admin.create_acls([right])["failed"] == [ClusterAuthorizationFailedError]
        with pytest.raises(MayNotCreate):
            admin.create_topics([NewTopic("partner.vdab.more", 1, 1)])


@pytest.mark.parametrize(
    "login",
    [None, Login("partner.vdab", "guessed", tls=False), Login("partner.unknown", "guessed", tls=False)],
    ids=["no login", "a wrong password", "no such user"],
)
async def test_without_a_login_nothing_can_be_read(kafka: Kafka, login: Login | None) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap_servers, request_timeout_ms=2000, **client_arguments(login)
    )
    try:
        with pytest.raises(KafkaConnectionError):
            await consumer.start()
    finally:
        await consumer.stop()


async def test_a_partner_without_a_manifest_is_out_at_once(kafka: Kafka) -> None:
    async with intruder(kafka, WEST.user) as client:
        assert (await client.read([WEST.events_topic]))[WEST.events_topic] is NoError
        assert allow(kafka) == [WEST.user]
        assert (await client.read([WEST.events_topic]))[WEST.events_topic] is TopicAuthorizationFailedError
    with pytest.raises(KafkaConnectionError):
        async with intruder(kafka, WEST.user):
            pass
    assert allow(kafka, WEST) == []
    async with intruder(kafka, WEST.user) as client:
        assert (await client.read([WEST.events_topic]))[WEST.events_topic] is NoError


def test_passwords_are_readable_by_their_owner_alone_and_different_for_all(kafka: Kafka) -> None:
    assert kafka.passwords
    passwords = {kafka.passwords.of(user.name) for user in USERS}
    assert len(passwords) == len(USERS)
    folder = kafka.passwords.file.parent
    files = [file for depth in ("*", "*/*") for file in folder.glob(depth) if file.is_file()]
    revealing = [file for file in files if any(password in file.read_text(errors="replace") for password in passwords)]
    assert revealing == [kafka.passwords.file]
    for file in (kafka.passwords.file, folder / "kafka-1" / "server.properties"):
        assert S_IMODE(file.stat().st_mode) == 0o600, file


def test_the_data_of_an_open_kafka_are_not_taken_for_those_of_a_secured_one(tmp_path: Path) -> None:
    ports = {"kafka-1": 1, "kafka-1-controller": 1, "postgres": 1, "mail": 1}
    State(1, False, Provider.NATIVE, Provider.NATIVE, "cluster", ports, {}).write(tmp_path)
    with pytest.raises(StackError, match="asks for no logins"):
        Stack.start(tmp_path, secure=True)


def test_somebody_elses_kafka_is_not_secured_by_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KAFKA_VARIABLE, "127.0.0.1:9092")
    with pytest.raises(StackError, match=f"unset {KAFKA_VARIABLE}"):
        Stack.start(tmp_path, secure=True)
