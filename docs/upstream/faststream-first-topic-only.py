"""FastStream: with the ack_policy on the broker and max_workers > 1 only the first of several topics is subscribed."""

import asyncio
import logging
import os
import sys
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faststream import AckPolicy
from faststream.exceptions import SetupError
from faststream.kafka import KafkaBroker, KafkaMessage

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092").split(",")


async def main() -> int:
    topics = [f"{name}-{uuid4().hex}" for name in ("first", "second")]
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1) for topic in topics])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=SERVERS) as producer:
        for topic in topics:
            await producer.send_and_wait(topic, b"x")

    refused = False
    try:
        KafkaBroker(SERVERS).subscriber(*topics, group_id="g", max_workers=2, ack_policy=AckPolicy.ACK)
    except SetupError:
        refused = True  # this is what the policy on the subscriber leads to

    broker, handled = KafkaBroker(SERVERS, logger=None, ack_policy=AckPolicy.ACK), set[str]()

    @broker.subscriber(*topics, group_id=topics[0], auto_offset_reset="earliest", max_workers=2)
    async def handle(message: KafkaMessage) -> None:
        assert not isinstance(message.raw_message, tuple)
        handled.add(message.raw_message.topic.partition("-")[0])

    async with broker:
        await broker.start()
        await asyncio.sleep(3)
    wrong = refused and handled == {"first"}
    sys.stdout.write(
        f"{'reproduced' if wrong else 'not reproduced'}: subscribed to first and second, handled messages of"
        f" {sorted(handled)}; the policy on the subscriber was refused: {refused}\n"
    )
    return 0 if wrong else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
