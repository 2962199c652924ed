"""FastStream: with max_workers > 1 stop() leaves the group first, and only then waits for the running handlers."""

import asyncio
import logging
import os
import sys
import time
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092").split(",")


async def got_by_a_second(max_workers: int) -> float | None:
    """How long before the handler ended another service got its message, when the first was stopped meanwhile."""
    topic = f"stop-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    broker = KafkaBroker(SERVERS, logger=None, client_id="a", graceful_timeout=30)
    handling, ended = asyncio.Event(), list[float]()

    @broker.subscriber(
        topic, group_id=topic, auto_offset_reset="earliest", ack_policy=AckPolicy.ACK, max_workers=max_workers
    )
    async def handle() -> None:
        handling.set()
        await asyncio.sleep(5)
        ended.append(time.monotonic())

    # By its name it comes last, and has no partition as long as the first service is in the group.
    second = AIOKafkaConsumer(
        topic,
        bootstrap_servers=SERVERS,
        client_id="z",
        group_id=topic,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        heartbeat_interval_ms=500,
    )
    async with AIOKafkaProducer(bootstrap_servers=SERVERS) as producer, second:
        await broker.start()
        await producer.send_and_wait(topic, b"x")
        await handling.wait()
        assert not second.assignment()
        stopping = asyncio.create_task(broker.stop())
        received = time.monotonic() if await second.getmany(timeout_ms=8000) else None
        await stopping
    return round(ended[0] - received, 1) if received else None


async def main() -> int:
    with_one, with_two = await asyncio.gather(got_by_a_second(1), got_by_a_second(2))
    wrong = with_one is None and with_two is not None and with_two > 1
    sys.stdout.write(
        f"{'reproduced' if wrong else 'not reproduced'}: a service was stopped in good order; so many seconds before"
        f" its handler ended another one got its message: max_workers=1: {with_one}, max_workers=2: {with_two}\n"
    )
    return 0 if wrong else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
