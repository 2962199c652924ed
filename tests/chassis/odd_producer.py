"""Sends one record whose header name is not UTF-8. A separate process, because it needs aiokafka without its C code."""

import asyncio
import os
import subprocess
import sys

from aiokafka import AIOKafkaProducer


class Undecodable(str):
    """A name that is encoded to bytes that are not UTF-8."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        """Return bytes that are not UTF-8."""
        return b"ce_\xff\xfe"


def send(servers: str, topic: str, partition: int) -> None:
    """Send the record, in a new process."""
    command = [sys.executable, "-m", "tests.chassis.odd_producer", servers, topic, str(partition)]
    subprocess.run(command, env={**os.environ, "AIOKAFKA_NO_EXTENSIONS": "1"}, check=True)


async def _main(servers: str, topic: str, partition: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        headers = [(Undecodable("x"), b"")]
        await producer.send_and_wait(topic, b"odd", partition=int(partition), headers=headers)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
