"""aiokafka: getmany() loses the readable records beside one that cannot be read, and commit() goes past them."""

import asyncio
import logging
import os
import subprocess
import sys
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")


class NotUtf8(str):
    """A header name that goes to Kafka as a byte which is not UTF-8, as a producer in another language may send it."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return b"\xff"


async def send(topic: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=SERVERS) as producer:
        await producer.send_and_wait(topic, b"readable", partition=0)
        await producer.send_and_wait(topic, b"readable", partition=1)
        await producer.send_and_wait(topic, b"unreadable", partition=1, headers=[(NotUtf8("x"), b"")])


async def main(topic: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=SERVERS)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1)])
    await admin.close()
    # Only the pure Python half of aiokafka can be made to send such a name; the consumer below is an ordinary one.
    command, environment = [sys.executable, __file__, topic], {**os.environ, "AIOKAFKA_NO_EXTENSIONS": "1"}
    await asyncio.to_thread(subprocess.run, command, env=environment, check=True)

    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    returned, raised = list[str](), list[str]()
    async with AIOKafkaConsumer(bootstrap_servers=SERVERS, group_id=topic, enable_auto_commit=False) as consumer:
        consumer.assign([first, second])
        consumer.pause(second)  # so that partition 0 is prefetched first, and is taken out first below
        await consumer.seek_to_beginning(first, second)
        await asyncio.sleep(1)
        consumer.resume(second)
        await asyncio.sleep(1)
        for _ in range(5):
            try:
                fetched = await consumer.getmany(timeout_ms=500)
                returned += [f"{one.partition}:{one.offset}" for records in fetched.values() for one in records]
            except UnicodeDecodeError as error:
                raised.append(type(error).__name__)
        await consumer.commit()
        committed = {at.partition: await consumer.committed(at) for at in (first, second)}
    lost = bool(raised) and not returned and committed[0] == 1
    sys.stdout.write(
        f"{'reproduced' if lost else 'not reproduced'}: 0:0 and 1:0 (partition:offset) are readable; getmany() raised"
        f" {len(raised)} times and returned {returned}; then commit() committed {committed}\n"
    )
    return 0 if lost else 1


if __name__ == "__main__":
    logging.disable()
    if len(sys.argv) > 1:
        asyncio.run(send(sys.argv[1]))
    else:
        sys.exit(asyncio.run(main(f"unreadable-{uuid4().hex}")))
