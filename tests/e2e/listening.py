"""Reads topics and mailbox from outside the platform."""

from collections.abc import Callable, Iterable
from email.message import EmailMessage
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from pydantic import ValidationError

from chassis.messaging.connections import client_arguments
from chassis.testing.eventually import eventually
from chassis.topics import manifest_of
from contracts.event import Event
from deploy.local.mail import messages
from deploy.local.platform import Platform

E = TypeVar("E", bound=Event)


async def records_of(platform: Platform, topic: str) -> list[ConsumerRecord]:
    """Every record that is on a topic now."""
    kafka = platform.stack.kafka
    login = client_arguments(kafka.login("partner.dashboards"))
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap_servers, enable_auto_commit=False, **login)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(manifest_of(topic).partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        found: list[ConsumerRecord] = []
        while [partition for partition, end in ends.items() if await consumer.position(partition) < end]:
            for some in (await consumer.getmany(timeout_ms=200)).values():
                found += some
        return found
    finally:
        await consumer.stop()


async def the_event(platform: Platform, kind: type[E], fits: Callable[[E], bool]) -> E:
    """The one event of this type that fits, as soon as it is there."""

    async def look() -> list[E]:
        found = [read_as(kind, one) for one in await records_of(platform, kind.declaration.topic)]
        return [event for event in found if event and fits(event)]

    found = await eventually(look, lambda events: len(events) == 1)
    return found[0]


def read_as(kind: type[E], record: ConsumerRecord) -> E | None:
    """The event; None for a record of another type, and for what some test wrote to the topic by mistake."""
    if dict(record.headers).get("ce_type") != kind.declaration.type.encode():
        return None
    try:
        return kind.from_json(record.value or b"")
    except ValidationError:
        return None


async def the_mail(platform: Platform, fits: Callable[[EmailMessage], bool]) -> EmailMessage:
    """The one mail that fits, as soon as it is there."""
    (mail,) = await eventually(
        lambda: [mail for mail in messages(platform.stack.mail.mailbox) if fits(mail)], lambda mails: len(mails) == 1
    )
    return mail


async def send(
    platform: Platform, topic: str, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> None:
    """Write a raw record."""
    producer = AIOKafkaProducer(
        bootstrap_servers=platform.stack.kafka.bootstrap_servers, max_request_size=2 * 1024 * 1024
    )
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, key=key, headers=list(headers), partition=0)
    finally:
        await producer.stop()
