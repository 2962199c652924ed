"""A partner that floods its topic is throttled by its quota; other partners are hardly slower."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter

import pytest
from aiokafka import AIOKafkaProducer

from chassis.messaging.connections import client_arguments
from deploy.local.stack import Kafka, Stack
from tests.local.flood import KINDS
from tests.local.granting import a_partner, allow

MAD, CALM = a_partner("mad"), a_partner("calm")
FACTOR = 5
"""How many times longer an event of another partner may take during the flood. Measured: 1 to 2."""
EVENTS = 60
ROUNDS = 2


@pytest.fixture(scope="module")
def kafka(secured_stack: Stack) -> Iterator[Kafka]:
    """A secured Kafka on which both partners may send."""
    kafka = secured_stack.kafka
    allow(kafka, MAD, CALM)
    yield kafka
    allow(kafka)


@contextmanager
def flooding(kafka: Kafka, kind: str) -> Iterator[str]:
    """Run the flooding partner; yields the line that it printed."""
    assert kafka.passwords
    command = [sys.executable, "-m", "tests.local.flood", kafka.bootstrap_servers, MAD.user, MAD.events_topic, kind]
    environment = {**os.environ, "FLOOD_PASSWORD": kafka.passwords.of(MAD.user)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.kill()


async def seconds_per_event(kafka: Kafka) -> list[float]:
    """How long events of the other partner take, sent one after the other."""
    took = []
    login = client_arguments(kafka.login(CALM.user))
    async with AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers, enable_idempotence=True, **login
    ) as producer:
        await producer.send_and_wait(CALM.events_topic, b"{}", key=b"reference")
        for _ in range(EVENTS):
            begun = perf_counter()
            await producer.send_and_wait(CALM.events_topic, b"x" * 300, key=b"reference")
            took.append(perf_counter() - begun)
    return took


@pytest.mark.parametrize("kind", KINDS)
async def test_a_flood_slows_its_own_partner_down_and_no_other(kafka: Kafka, kind: str) -> None:
    alone, beside = [], []
    for _ in range(ROUNDS):
        alone += await seconds_per_event(kafka)
        with flooding(kafka, kind) as said:
            beside += await seconds_per_event(kafka)
        assert said == "slowed down"
    assert median(beside) <= FACTOR * median(alone)
