"""The first programs of the README on a Kafka that requires logins, with the settings in the README."""

from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer

from chassis.messaging.connections import client_arguments
from chassis.testing.builders import headers_of
from deploy.local.stack import Stack
from tests.builders import a_question
from tests.e2e.programs import LANGUAGES, README, printed_by, shown, started
from tests.local.granting import allow

SETTINGS = {
    "py": (
        '"bootstrap.servers"',
        '"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-512", '
        '"sasl.username": "%s", "sasl.password": "%s", ',
    ),
    "mjs": ("clientId", 'sasl: { mechanism: "scram-sha-512", username: "%s", password: "%s" }, '),
}
"""The word of a program before which the settings are inserted, and the settings. Without TLS, as the local Kafka."""


def with_login(name: str, stack: Stack, user: str) -> str:
    login = stack.kafka.login(user)
    assert login
    word, settings = SETTINGS[name.partition(".")[2]]
    return shown(name).replace(word, settings % (login.username, login.password) + word, 1)


@pytest.fixture(scope="module")
def granted(secured_stack: Stack) -> Stack:
    """A secured Kafka where every partner may do what its manifest says."""
    allow(secured_stack.kafka)
    return secured_stack


def test_the_readme_names_these_settings() -> None:
    text = README.read_text()
    for setting in ('"sasl.mechanism": "SCRAM-SHA-512"', '"sasl.username"', '"sasl.password"', "scram-sha-512"):
        assert setting in text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_logs_in_sends_and_reads_as_before(language: str, granted: Stack, tmp_path: Path) -> None:
    servers, question = granted.kafka.bootstrap_servers, a_question(case_id=uuid4())
    async with AIOKafkaProducer(bootstrap_servers=servers, **client_arguments(granted.kafka.admin)) as ours:
        key = str(question.case_id).encode()
        await ours.send_and_wait("duaal.intake.cases", question.to_json(), key=key, headers=headers_of(question))

    consumer, producer = f"consumer.{language}", f"producer.{language}"
    source = with_login(consumer, granted, "partner.dashboards")
    async with started(consumer, source, tmp_path, servers) as reading:
        await printed_by(reading, question.case_id)
    async with started(producer, with_login(producer, granted, "partner.schoolsoft"), tmp_path, servers) as writing:
        await printed_by(writing, "sent")
