"""FastStream: the subscribers of a KafkaRouter do not get the ack_policy of the broker that includes the router."""

import asyncio
import logging
import os
import sys
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaRouter

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092").split(",")


async def main() -> int:
    topic = f"router-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    async with AIOKafkaProducer(bootstrap_servers=SERVERS) as producer:
        await producer.send_and_wait(topic, b"x")

    broker, router = KafkaBroker(SERVERS, logger=None, ack_policy=AckPolicy.MANUAL), KafkaRouter()

    @broker.subscriber(topic, group_id=f"{topic}-broker", auto_offset_reset="earliest")
    async def on_broker() -> None:
        """Nobody acknowledges."""

    @router.subscriber(topic, group_id=f"{topic}-router", auto_offset_reset="earliest")
    async def on_router() -> None:
        """Nobody acknowledges."""

    broker.include_router(router)
    policies = {str(getattr(one, "group_id", "")).rpartition("-")[2]: one.ack_policy.name for one in broker.subscribers}
    async with broker:
        await broker.start()
        await asyncio.sleep(2)
    committed = {}
    for where in policies:
        offsets = await admin.list_consumer_group_offsets(f"{topic}-{where}")
        committed[where] = [one.offset for one in offsets.values()]
    await admin.close()
    ignored = committed == {"broker": [], "router": [1]}
    sys.stdout.write(
        f"{'reproduced' if ignored else 'not reproduced'}: the broker has AckPolicy.MANUAL, its subscribers have"
        f" {policies}; nobody acknowledged, and committed are {committed}\n"
    )
    return 0 if ignored else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
