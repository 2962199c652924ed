"""FastStream: one header value that is null or not UTF-8 loses a whole batch, under NACK_ON_ERROR as well."""

import asyncio
import logging
import os
import sys
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092").split(",")


async def lost_by(value: bytes | None, admin: AIOKafkaAdminClient) -> tuple[bool, str]:
    """Whether anything was lost, and what happened."""
    topic = f"header-{uuid4().hex}"
    await admin.create_topics([NewTopic(topic, 1, 1)])
    broker = KafkaBroker(SERVERS, logger=None)
    handled = list[bytes]()

    @broker.subscriber(
        topic, group_id=topic, auto_offset_reset="earliest", batch=True, ack_policy=AckPolicy.NACK_ON_ERROR
    )
    async def handle(bodies: list[bytes]) -> None:
        handled.extend(bodies)

    async with AIOKafkaProducer(bootstrap_servers=SERVERS) as producer, broker:
        await producer.send_and_wait(topic, b"first")
        await producer.send_and_wait(topic, b"second", headers=[("trace", value)])
        await producer.send_and_wait(topic, b"third")
        await broker.start()
        await asyncio.sleep(2)
        await producer.send_and_wait(topic, b"fourth")
        await asyncio.sleep(1)
    committed = [one.offset for one in (await admin.list_consumer_group_offsets(topic)).values()]
    lost = handled == [b"fourth"] and committed == [4]
    return lost, f"header value {value!r}: of four records {handled} reached the handler, {committed} is committed"


async def main() -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    found = await asyncio.gather(*(lost_by(value, admin) for value in (b"\xff", None)))
    await admin.close()
    lost = all(one for one, _ in found)
    sys.stdout.write(f"{'reproduced' if lost else 'not reproduced'}: {'; '.join(what for _, what in found)}\n")
    return 0 if lost else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
