"""FastStream: a string of several bootstrap servers is taken for one host name."""

import asyncio
import logging
import os
import sys
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
SEVERAL = f"{SERVERS},{SERVERS}"


async def main() -> int:
    topic = f"bootstrap-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=SEVERAL)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=SEVERAL) as producer:
        await producer.send_and_wait(topic, b"x")
    outcome = "it published"
    try:
        async with KafkaBroker(SEVERAL, logger=None) as broker:
            await broker.start()
            await broker.publish(b"x", topic)
    except (KafkaError, OSError, ValueError) as error:
        outcome = f"{type(error).__name__}: {error}"
    failed = outcome != "it published"
    sys.stdout.write(
        f"{'reproduced' if failed else 'not reproduced'}: aiokafka connected to {SEVERAL!r};"
        f" FastStream's KafkaBroker: {outcome}\n"
    )
    return 0 if failed else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
