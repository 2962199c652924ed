"""aiokafka: one getone() or getmany() that was cancelled or raised switches max_poll_interval_ms off for good."""

import asyncio
import logging
import os
import sys
from contextlib import suppress
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
MAX_POLL = 2.0
IDLE = 8.0


def broken(_: bytes) -> None:
    raise ValueError("this value cannot be read")


async def members_after_idling(topic: str, what: str, admin: AIOKafkaAdminClient) -> int:
    """How many members the group of one consumer has, long after that consumer last asked for records."""
    group = f"{topic}-{what}"
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=SERVERS,
        group_id=group,
        auto_offset_reset="earliest" if what == "raised" else "latest",
        value_deserializer=broken if what == "raised" else None,
        max_poll_interval_ms=int(MAX_POLL * 1000),
        session_timeout_ms=6000,
        heartbeat_interval_ms=500,
    )
    async with consumer:
        with suppress(TimeoutError, ValueError):
            if what == "cancelled":
                await asyncio.wait_for(consumer.getone(), 1)
            else:
                await consumer.getmany(timeout_ms=3000 if what == "raised" else 1000)
        await asyncio.sleep(IDLE)
        (response,) = await admin.describe_consumer_groups([group])
        return len(response.groups[0][5])


async def main() -> int:
    topic = f"max-poll-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    async with AIOKafkaProducer(bootstrap_servers=SERVERS) as producer:
        await producer.send_and_wait(topic, b"x")
    cases = ["returned", "cancelled", "raised"]
    members = dict(
        zip(cases, await asyncio.gather(*(members_after_idling(topic, case, admin) for case in cases)), strict=True)
    )
    await admin.close()
    wrong = members == {"returned": 0, "cancelled": 1, "raised": 1}
    sys.stdout.write(
        f"{'reproduced' if wrong else 'not reproduced'}: max_poll_interval_ms is {MAX_POLL} s; {IDLE} s after the last"
        f" fetch which returned, was cancelled or raised the group has so many members: {members}\n"
    )
    return 0 if wrong else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
