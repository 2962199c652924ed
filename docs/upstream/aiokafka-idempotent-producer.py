"""aiokafka: after one refused batch an idempotent producer fails on that partition for as long as it lives."""

import asyncio
import logging
import os
import sys
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")


async def outcome(producer: AIOKafkaProducer, topic: str, size: int, partition: int) -> str:
    try:
        async with asyncio.timeout(10):
            await producer.send_and_wait(topic, b"x" * size, partition=partition)
    except (KafkaError, TimeoutError) as error:
        return type(error).__name__
    return "sent"


async def main() -> int:
    topic = f"refused-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1, topic_configs={"max.message.bytes": "1000"})])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=SERVERS, enable_idempotence=True) as producer:
        sends = [(1, 0), (5_000, 0), (1, 0), (1, 0), (1, 1)]
        outcomes = [await outcome(producer, topic, size, partition) for size, partition in sends]
    async with AIOKafkaProducer(bootstrap_servers=SERVERS, enable_idempotence=True) as producer:
        outcomes.append(await outcome(producer, topic, 1, 0))
    stuck = outcomes[0] == outcomes[4] == outcomes[5] == "sent" and "sent" not in outcomes[1:4]
    sys.stdout.write(
        f"{'reproduced' if stuck else 'not reproduced'}: small: {outcomes[0]}, too large: {outcomes[1]},"
        f" small: {outcomes[2]}, small: {outcomes[3]}, small on the other partition: {outcomes[4]},"
        f" small from a new producer: {outcomes[5]}\n"
    )
    return 0 if stuck else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
