"""Reads what the verdict is based on: all topics, databases and mails, and the metrics of each service."""

import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from chassis.messaging.groups import lag_of
from chassis.topics import TOPICS
from contracts.envelope import Envelope, read
from contracts.event import Event
from contracts.registry import EVENTS
from deploy.local.mail import deliveries, messages
from deploy.local.platform import Platform
from deploy.services import SERVICES


@dataclass(frozen=True, slots=True)
class Published:
    """One record on a topic. `timestamp` is the moment at which the producer sent it, in seconds."""

    topic: str
    place: str
    key: str
    timestamp: float
    envelope: Envelope
    event: Event


@dataclass
class Evidence:
    """Everything that the verdict is based on."""

    published: list[Published]
    rows: dict[str, list[dict[str, Any]]]
    """Rows by `service.table`."""
    mails: Counter[str] = field(default_factory=Counter)
    """Mails in the mailbox by Message-ID."""
    deliveries: Counter[str] = field(default_factory=Counter)
    """How often the mail server accepted each Message-ID."""


async def gather_evidence(platform: Platform) -> Evidence:
    """Read everything, after the platform became quiet."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, url in platform.database_urls.items():
        rows |= {f"{name}.{table}": some for table, some in (await _tables(url)).items()}
    mailbox = platform.stack.mail.mailbox
    return Evidence(
        published=await _records(platform.stack.kafka.bootstrap_servers),
        rows=rows,
        mails=Counter(str(mail["Message-ID"]) for mail in messages(mailbox)),
        deliveries=Counter(delivery.message_id for delivery in deliveries(mailbox)),
    )


async def _tables(url: str) -> dict[str, list[dict[str, Any]]]:
    connection = await asyncpg.connect(url)
    try:
        names = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        return {name: [dict(row) for row in await connection.fetch(f'select * from "{name}"')] for (name,) in names}
    finally:
        await connection.close()


async def _records(bootstrap_servers: str) -> list[Published]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(one.name, number) for one in TOPICS.values() for number in range(one.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        found: list[Published] = []
        while [partition for partition, end in ends.items() if await consumer.position(partition) < end]:
            for some in (await consumer.getmany(timeout_ms=500, max_records=5000)).values():
                found += [_published(record) for record in some]
        return found
    finally:
        await consumer.stop()


def _published(record: Any) -> Published:
    envelope, data = read(record.headers, record.value)
    return Published(
        topic=record.topic,
        place=f"{record.topic}/{record.partition}/{record.offset}",
        key=record.key.decode(),
        timestamp=record.timestamp / 1000,
        envelope=envelope,
        event=EVENTS[envelope.type].from_json(data or b""),
    )


async def waiting(platform: Platform) -> dict[str, int]:
    """What is left to do: records to consume, events to publish, mails to send. All zero: the platform is quiet."""
    lags = [await lag_of(platform.stack.kafka.bootstrap_servers, service) for service in SERVICES]
    lag = sum(one.records for some in lags for one in some)
    counts = [await _to_do(url) for url in platform.database_urls.values()]
    return {"to consume": lag, "to publish": sum(n for n, _ in counts), "to mail": sum(n for _, n in counts)}


async def _to_do(url: str) -> tuple[int, int]:
    connection = await asyncpg.connect(url)
    try:
        unpublished = await connection.fetchval("select count(*) from outbox")
        has_messages = await connection.fetchval("select to_regclass('messages') is not null")
        due = await connection.fetchval("select count(*) from messages where due_at is not null") if has_messages else 0
        return unpublished, due
    finally:
        await connection.close()


def outcomes(url: str) -> Counter[str]:
    """Records by outcome, as this process of a service counts them; empty when it does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return Counter()
    counted: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        if family.name == "duaal_messages":
            for sample in family.samples:
                if sample.name.endswith("_total"):
                    counted[sample.labels["outcome"]] += int(sample.value)
    return counted
