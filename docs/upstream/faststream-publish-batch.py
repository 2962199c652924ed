"""FastStream: publish_batch() sends a batch to one random partition, whatever the keys of its messages."""

import asyncio
import logging
import os
import sys
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faststream.kafka import KafkaBroker, KafkaPublishMessage

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092").split(",")
PARTITIONS = 4


async def where_the_key_is(publish_in_batches: bool) -> list[int]:
    """The partitions that hold the twenty messages of one key."""
    topic = f"batch-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    await admin.close()
    async with KafkaBroker(SERVERS, logger=None) as broker:
        for number in range(20):
            if publish_in_batches:
                await broker.publish_batch(KafkaPublishMessage(number, key=b"order 17"), topic=topic)
            else:
                await broker.publish(number, topic, key=b"order 17")
    async with AIOKafkaConsumer(topic, bootstrap_servers=SERVERS) as consumer:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        ends = await consumer.end_offsets(partitions)
    return sorted(at.partition for at, end in ends.items() if end)


async def main() -> int:
    single, batches = await where_the_key_is(False), await where_the_key_is(True)
    wrong = len(single) == 1 and len(batches) > 1
    sys.stdout.write(
        f"{'reproduced' if wrong else 'not reproduced'}: twenty messages of one key are in partitions {single} after"
        f" publish(), in {batches} after publish_batch()\n"
    )
    return 0 if wrong else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
