"""FastStream: whoever may write to a topic makes its subscribers publish to any other topic, by the header reply_to."""

import asyncio
import logging
import os
import sys
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faststream.kafka import KafkaBroker

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092").split(",")


async def main() -> int:
    topic, elsewhere = f"orders-{uuid4().hex}", f"payments-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1) for name in (topic, elsewhere)])
    await admin.close()

    broker = KafkaBroker(SERVERS, logger=None)

    @broker.subscriber(topic, group_id=topic, auto_offset_reset="earliest")
    async def nothing_to_return() -> None:
        """It has no publisher, and means to publish nothing."""

    @broker.subscriber(topic, group_id=f"{topic}-2", auto_offset_reset="earliest")
    async def something_to_return() -> str:
        """It has no publisher either: what it returns is for Python callers."""
        return "confidential"

    async with AIOKafkaProducer(bootstrap_servers=SERVERS) as producer, broker:
        await producer.send_and_wait(topic, b"x", headers=[("reply_to", elsewhere.encode())])
        await broker.start()
        await asyncio.sleep(2)
    async with AIOKafkaConsumer(elsewhere, bootstrap_servers=SERVERS, auto_offset_reset="earliest") as consumer:
        fetched = await consumer.getmany(timeout_ms=2000)
    values = sorted(record.value for records in fetched.values() for record in records)
    sys.stdout.write(
        f"{'reproduced' if values else 'not reproduced'}: the service published {values} to a topic of the"
        " stranger's choice\n"
    )
    return 0 if values else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
