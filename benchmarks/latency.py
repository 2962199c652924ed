"""From an accepted question to a visible referral, against one produce and one consume through the same Kafka."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import chain
from statistics import median
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from benchmarks.result import Bench, Result
from chassis.testing.eventually import eventually
from deploy.demo.traffic import Day
from deploy.local.platform import Platform
from deploy.local.ports import HOST

RATE = 200
SECONDS = 5
CONNECTIONS = 16
WARM_UP = 8
REACH = 8
"""Round trips; 5 is the goal."""
REFERRALS, ROUND_TRIP = "duaal.referral.referrals", "duaal.pof.dead-letters"
"""The round trip uses the second topic, which has no other traffic here and as many partitions."""

Act = Callable[[bytes], Coroutine[Any, Any, tuple[str, float]]]
"""Send a question; returns its name, and the moment from which its time counts."""


async def latency(bench: Bench) -> list[Result]:
    """The whole way and a bare round trip, in turns."""
    bootstrap = bench.stack.kafka.bootstrap_servers
    requests = bench.some(RATE * SECONDS)
    bodies = [
        json.dumps(request.body).encode()
        for seed in range(requests // 780 + 1)
        for request in Day(seed).requests()
        if request.path == "/questions"
    ][:requests]
    platform = await asyncio.to_thread(Platform(bench.stack, bench.directory).start)
    try:
        for other in platform.services.keys() - {"intake", "referral"}:
            await asyncio.to_thread(platform.services[other].stop)
        token = await asyncio.to_thread(platform.logins.token_of, "demo")
        async with (
            _seen(bootstrap, REFERRALS, _question) as referred,
            _seen(bootstrap, ROUND_TRIP, _key) as returned,
            _producer(bootstrap) as producer,
        ):

            async def ask(bodies: Sequence[bytes]) -> list[float]:
                async with _clients(platform.ports["intake"], token) as one:
                    return await _wait_for_all(await _paced(bodies, one), referred)

            async def send(bodies: Sequence[bytes]) -> list[float]:
                return await _wait_for_all(await _paced(bodies, partial(_send, producer)), returned)

            # Rounds that do not count: at first Kafka's Java compiles its code, which takes time of the shared cores.
            for _ in range(WARM_UP):
                await send(bodies)
                await ask(bodies)
            bare, whole = [], []
            for _ in range(bench.rounds):
                bare.append(await send(bodies))
                whole.append(await ask(bodies))
    finally:
        await asyncio.to_thread(platform.stop)
    return [_result(whole, bare)]


def _result(whole: Sequence[Sequence[float]], bare: Sequence[Sequence[float]]) -> Result:
    """Medians of the rounds, so that one disturbance of the machine does not decide."""
    p99, limit = (median(_percentile(one, 0.99) for one in some) for some in (whole, bare))
    number = sum(map(len, whole))
    note = f"{number} questions, {RATE}/s; p50/p99/p99.9 ms: {_percentiles(whole)}; round trip {_percentiles(bare)}"
    ratio = p99 / limit
    return Result("latency", p99, "ms (p99)", "round trip", limit, ratio, "p99 <= 8x", ratio <= REACH, note)


async def _paced(bodies: Sequence[bytes], act: Act) -> dict[str, float]:
    """Start one every 1/RATE seconds, without waiting for former ones; returns per name when its time starts."""
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[tuple[str, float]]] = []
        for at, body in enumerate(bodies):
            await asyncio.sleep(max(0.0, started + at / RATE - time.monotonic()))
            tasks.append(group.create_task(act(body)))
    return dict(task.result() for task in tasks)


async def _wait_for_all(accepted: dict[str, float], seen: dict[str, float]) -> list[float]:
    """Milliseconds from accepted to visible; 0 when it was visible before the answer was read."""

    async def missing() -> int:
        return len(accepted.keys() - seen.keys())

    await eventually(missing, lambda number: number == 0, within=60)
    return [max(0.0, seen[name] - moment) * 1000 for name, moment in accepted.items()]


@asynccontextmanager
async def _seen(bootstrap: str, topic: str, name: Callable[[ConsumerRecord], str]) -> AsyncIterator[dict[str, float]]:
    """The moment at which each record became visible to a consumer, by name."""
    seen: dict[str, float] = {}
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="latest")
    await consumer.start()
    for partition in consumer.assignment():
        await consumer.position(partition)

    async def watch() -> None:
        while True:
            some = await consumer.getmany(timeout_ms=1_000)
            moment = time.monotonic()
            for record in chain.from_iterable(some.values()):
                seen.setdefault(name(record), moment)

    task = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await consumer.stop()


@asynccontextmanager
async def _producer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _send(producer: AIOKafkaProducer, body: bytes) -> tuple[str, float]:
    """Send a record; its time starts at that moment."""
    name, sent = uuid4().hex, time.monotonic()
    await producer.send_and_wait(ROUND_TRIP, body, key=name.encode())
    return name, sent


@asynccontextmanager
async def _clients(port: int, token: str) -> AsyncIterator[Act]:
    """Clients with open connections; each sends one question at a time."""
    connections = [await asyncio.open_connection(HOST, port) for _ in range(CONNECTIONS)]
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for connection in connections:
        free.put_nowait(connection)

    async def ask(body: bytes) -> tuple[str, float]:
        connection = await free.get()
        try:
            return str((await post(*connection, body, str(uuid4()), token))["question_id"]), time.monotonic()
        finally:
            free.put_nowait(connection)

    try:
        yield ask
    finally:
        for _, writer in connections:
            writer.close()


async def post(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes, key: str, token: str
) -> dict[str, object]:
    """A minimal HTTP client, because its time is measured as part of the platform's."""
    head = f"POST /questions HTTP/1.1\r\nhost: {HOST}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    writer.write(f"{head}\r\nauthorization: Bearer {token}\r\nidempotency-key: {key}\r\n\r\n".encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    answer: dict[str, object] = json.loads(await reader.readexactly(int(headers["content-length"])))
    if " 202 " not in lines[0]:
        raise RuntimeError(f"{lines[0]}: {answer}")
    return answer


def _question(record: ConsumerRecord) -> str:
    return str(json.loads(record.value)["question_id"])


def _key(record: ConsumerRecord) -> str:
    return str(record.key.decode())


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _percentiles(rounds: Sequence[Sequence[float]]) -> str:
    shares = (0.5, 0.99, 0.999)
    return " / ".join(f"{median(_percentile(one, share) for one in rounds):.1f}" for share in shares)
