"""A flooding partner: it sends as fast as the broker answers, in requests that are as much work as possible."""

import asyncio
import os
import sys

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from chassis.login import Login
from chassis.messaging.connections import client_arguments

CONNECTIONS = 8
ZSTD = 4
MANY = 200_000
LARGE = 64 * 1024 * 1024
KINDS = {"many records": [b""] * MANY, "a record that unpacks to 64 MB": [bytes(LARGE)]}
"""The content of one request. The first kind exceeds the quota of bytes, the second the quota of the broker's time."""
ROUNDS = 30


async def flood(bootstrap_servers: str, user: str, topic: str, kind: str) -> None:
    """Send until killed; print a line when the broker throttles it, or did not for many requests."""
    login = client_arguments(Login(user, os.environ["FLOOD_PASSWORD"], tls=False))
    clients = [AIOKafkaClient(bootstrap_servers=bootstrap_servers, **login) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(client.bootstrap() for client in clients))
    request = ProduceRequest(None, 1, 5000, [(topic, [(0, _batch(KINDS[kind]))])])
    seen: asyncio.Queue[int] = asyncio.Queue()
    await asyncio.gather(*(_send(client, request, seen) for client in clients), _report(seen))


async def _send(client: AIOKafkaClient, request: ProduceRequest, seen: asyncio.Queue[int]) -> None:
    while True:
        answer = await client.send(client.get_random_node(), request)
        seen.put_nowait(answer.throttle_time_ms)


async def _report(seen: asyncio.Queue[int]) -> None:
    for _ in range(CONNECTIONS * ROUNDS):
        if await seen.get():
            _print("slowed down")
            return
    _print("not slowed down")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _batch(values: list[bytes]) -> bytes:
    batch = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=ZSTD,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=2 * LARGE,
    )
    for number, value in enumerate(values):
        batch.append(number, timestamp=1, key=None, value=value, headers=[])
    return bytes(batch.build())


if __name__ == "__main__":
    asyncio.run(flood(*sys.argv[1:]))
