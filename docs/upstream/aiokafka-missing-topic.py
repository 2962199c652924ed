"""aiokafka: partitions_for() and send() to a topic that does not exist wait for all of request_timeout_ms."""

import asyncio
import logging
import os
import sys
import time
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")


async def main() -> int:
    topic = f"missing-{uuid4().hex}"  # Kafka must not create it: auto.create.topics.enable=false
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    started = time.monotonic()
    (described,) = await admin.describe_topics([topic])
    known_after = time.monotonic() - started
    await admin.close()

    async with AIOKafkaProducer(bootstrap_servers=SERVERS) as producer:
        asked, update = 0, producer.client.force_metadata_update

        def counted() -> asyncio.Future[bool]:
            nonlocal asked
            asked += 1
            future: asyncio.Future[bool] = update()
            return future

        producer.client.force_metadata_update = counted
        started, outcome = time.monotonic(), "returned"
        try:
            await producer.partitions_for(topic)
        except KafkaError as error:
            outcome = type(error).__name__
        waited = time.monotonic() - started

    slow = described["error_code"] == 3 and outcome == "UnknownTopicOrPartitionError" and waited > 10
    sys.stdout.write(
        f"{'reproduced' if slow else 'not reproduced'}: partitions_for() said {outcome} after {waited:.0f} s and"
        f" {asked} metadata updates; the admin client had error {described['error_code']} after {known_after:.2f} s\n"
    )
    return 0 if slow else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
