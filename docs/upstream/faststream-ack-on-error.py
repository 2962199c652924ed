"""FastStream: AckPolicy.ACK, which the Kafka pages advise for at-least-once, commits a message whose handler raised."""

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


async def main() -> int:
    topic = f"error-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    async with AIOKafkaProducer(bootstrap_servers=SERVERS) as producer:
        await producer.send_and_wait(topic, b"x")

    handled = list[bytes]()
    for _ in range(2):  # the second one stands for the service after a restart
        broker = KafkaBroker(SERVERS, logger=None)

        @broker.subscriber(topic, group_id=topic, auto_offset_reset="earliest", ack_policy=AckPolicy.ACK)
        async def handle(body: bytes) -> None:
            handled.append(body)
            raise ConnectionError("the database is not there")

        async with broker:
            await broker.start()
            await asyncio.sleep(2)
    committed = [one.offset for one in (await admin.list_consumer_group_offsets(topic)).values()]
    await admin.close()
    lost = len(handled) == 1 and committed == [1]
    sys.stdout.write(
        f"{'reproduced' if lost else 'not reproduced'}: a handler that always raises got the message"
        f" {len(handled)} time(s) in two runs; committed is {committed}\n"
    )
    return 0 if lost else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
