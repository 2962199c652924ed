"""How much longer an event of one partner takes while another floods its topic, on a Kafka with logins and quotas."""

import asyncio
from statistics import median
from time import perf_counter

from aiokafka import AIOKafkaProducer

from benchmarks.result import Bench, Result
from chassis.messaging.connections import client_arguments
from deploy.local.stack import Kafka, Stack
from tests.local.flood import KINDS
from tests.local.flooding import flooding
from tests.local.granting import a_partner, allow

MAD, CALM = a_partner("mad"), a_partner("calm")
FACTOR = 5
"""So many times longer at most. Measured: 1 to 2; 78 without quotas, 45 without the one of the broker's time."""
EVENTS = 60


async def flood(bench: Bench) -> list[Result]:
    """Both kinds of flood."""
    stack = await asyncio.to_thread(Stack.start, bench.directory / "secured", secure=True)
    try:
        await asyncio.to_thread(allow, stack.kafka, MAD, CALM)
        return [await _beside(stack.kafka, kind, bench.rounds) for kind in KINDS]
    finally:
        await asyncio.to_thread(stack.stop)


async def _beside(kafka: Kafka, kind: str, rounds: int) -> Result:
    alone, beside = [], []
    for _ in range(rounds):
        alone += await _seconds_per_event(kafka)
        with flooding(kafka, MAD, kind) as said:
            beside += await _seconds_per_event(kafka)
    value, peer = 1000 * median(beside), 1000 * median(alone)
    ratio, note = value / peer, f"{len(beside)} events beside it; the flood is {said}"
    return Result(
        f"flood: {kind}", value, "ms per event", "ms alone", peer, ratio, f"<= {FACTOR}", ratio <= FACTOR, note
    )


async def _seconds_per_event(kafka: Kafka) -> list[float]:
    """Of the calm partner, one event after the other."""
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
