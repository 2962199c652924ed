"""FastStream: message.ack() commits every assigned partition, also those whose message was not acknowledged."""

import asyncio
import logging
import os
import sys
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092").split(",")


async def main() -> int:
    topic = f"ack-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1)])
    async with AIOKafkaProducer(bootstrap_servers=SERVERS) as producer:
        for partition in (0, 1):
            await producer.send_and_wait(topic, b"x", partition=partition)

    broker = KafkaBroker(SERVERS, logger=None)
    handled = list[int]()

    @broker.subscriber(topic, group_id=topic, auto_offset_reset="earliest", ack_policy=AckPolicy.MANUAL)
    async def acknowledge_only_the_second(message: KafkaMessage) -> None:
        assert not isinstance(message.raw_message, tuple)
        handled.append(message.raw_message.partition)
        if len(handled) == 2:
            await message.ack()

    async with broker:
        await broker.start()
        await asyncio.sleep(2)
    offsets = await admin.list_consumer_group_offsets(topic)
    await admin.close()
    committed = {at.partition: one.offset for at, one in offsets.items()}
    lost = len(handled) == 2 and committed == {0: 1, 1: 1}
    sys.stdout.write(
        f"{'reproduced' if lost else 'not reproduced'}: partitions {handled} were handled in this order and only the"
        f" second message was acknowledged; committed are {committed}\n"
    )
    return 0 if lost else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
