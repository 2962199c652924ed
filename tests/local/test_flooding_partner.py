"""A partner that floods its topic waits for its quota; the others do not wait, and all that they say arrives.

What the flood costs the others in time is measured by `make bench ROW=flood`.
"""

from collections.abc import Iterator

import pytest

from deploy.local.stack import Kafka, Stack
from tests.local.flood import KINDS, Answer, Sender, a_client
from tests.local.flooding import flooding
from tests.local.granting import a_partner, allow

MAD, CALM = a_partner("mad"), a_partner("calm")
EVENTS = 20


@pytest.fixture(scope="module")
def kafka(secured_stack: Stack) -> Iterator[Kafka]:
    """A secured Kafka on which both partners may send."""
    kafka = secured_stack.kafka
    allow(kafka, MAD, CALM)
    yield kafka
    allow(kafka)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_broker_slows_down_who_floods_and_nobody_else(kafka: Kafka, kind: str) -> None:
    async with a_client(kafka.bootstrap_servers, kafka.login(CALM.user)) as client:
        calm = Sender(client, CALM.events_topic, [b"x" * 300])
        first = await calm.send()
        with flooding(kafka, MAD, kind) as said:
            answers = [await calm.send() for _ in range(EVENTS)]
    assert said == "slowed down"
    assert answers == [Answer(0, first.offset + number, throttled=0) for number in range(1, EVENTS + 1)]
