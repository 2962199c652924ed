"""A flooding partner: it sends as fast as the broker answers, in requests that are as much work as possible."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

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


class Answer(NamedTuple):
    """What the broker says to one request."""

    error: int
    offset: int
    throttled: int
    """Milliseconds for which it does not listen to this partner, which has used up its quota."""


class Sender:
    """Sends to one topic by the protocol itself: a client keeps to itself that it is throttled."""

    def __init__(self, client: AIOKafkaClient, topic: str, values: list[bytes]) -> None:
        self._client = client
        self._request = ProduceRequest(None, 1, 5000, [(topic, [(0, _batch(values))])])

    async def send(self) -> Answer:
        """Send one request."""
        answer = await self._client.send(self._client.get_random_node(), self._request)
        ((_, ((_, error, offset, *_),)),) = answer.topics
        return Answer(error, offset, answer.throttle_time_ms)


@asynccontextmanager
async def a_client(bootstrap_servers: str, login: Login | None) -> AsyncIterator[AIOKafkaClient]:
    """One connection, logged in."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers, **client_arguments(login))
    await client.bootstrap()
    try:
        yield client
    finally:
        await client.close()


async def flood(bootstrap_servers: str, user: str, topic: str, kind: str) -> None:
    """Says in a line that the broker slows it down, or has not for many requests; and goes on until it is killed."""
    arguments = client_arguments(Login(user, os.environ["FLOOD_PASSWORD"], tls=False))
    clients = [AIOKafkaClient(bootstrap_servers=bootstrap_servers, **arguments) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(client.bootstrap() for client in clients))
    seen: asyncio.Queue[int] = asyncio.Queue()
    senders = [Sender(client, topic, KINDS[kind]) for client in clients]
    await asyncio.gather(*(_send(sender, seen) for sender in senders), _report(seen))


async def _send(sender: Sender, seen: asyncio.Queue[int]) -> None:
    while True:
        seen.put_nowait((await sender.send()).throttled)


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
