"""Replacements that switch off one mechanism of the chassis, so that a cell has to fail. Only `workload` uses them."""

import os
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from chassis.execution import Executor, Message
from chassis.messaging.consumer import Consumer, _after
from chassis.messaging.direct_publisher import DirectPublisher
from chassis.messaging.pipeline import Delivery
from chassis.messaging.producer import KafkaProducer
from chassis.outbox_records import OutboxRecord
from chassis.persistence.dead_letters import OrderingKey, PostgresDeadLetters
from chassis.persistence.inbox import EventKey, PostgresInbox
from chassis.persistence.leadership import Leadership
from chassis.persistence.outbox import PostgresOutbox, Unpublished


def no_inbox() -> None:
    """Every delivery counts as the first."""

    admit = PostgresInbox.admit

    async def admit_all(inbox: PostgresInbox, keys: Sequence[EventKey]) -> set[EventKey]:
        await admit(inbox, keys)
        return set(keys)

    _replace(PostgresInbox, "admit", admit_all)


def offset_before_database() -> None:
    """The offset is committed before the records are handled."""
    consume_batch = Consumer._consume_batch

    async def commit_first(consumer: Consumer, deliveries: Sequence[Delivery]) -> None:
        consumer._uncommitted |= _after(deliveries)
        await consumer._commit()
        await consume_batch(consumer, deliveries)

    _replace(Consumer, "_consume_batch", commit_first)


def publish_before_commit() -> None:
    """Events are published while their transaction is still open, without the outbox."""
    _switch_off_single_statement()
    producers: list[KafkaProducer] = []

    async def publish(_: PostgresOutbox, records: Sequence[OutboxRecord]) -> None:
        if not producers:
            producers.append(await KafkaProducer.start(os.environ["LEDGER_KAFKA_BOOTSTRAP_SERVERS"]))
        for sent in await producers[0].send(records):
            await sent if sent else None

    _replace(PostgresOutbox, "append", publish)


def relay_with_cursor() -> None:
    """The relay reads only rows after the last position that it saw."""
    unpublished = PostgresOutbox.unpublished
    cursor = 0

    async def behind_cursor(
        outbox: PostgresOutbox, limit: int, now: datetime, acknowledged: Sequence[OutboxRecord] = ()
    ) -> list[Unpublished]:
        nonlocal cursor
        found = [one for one in await unpublished(outbox, limit, now, acknowledged) if one.position > cursor]
        cursor = max([cursor, *(one.position for one in found)])
        return found

    _replace(PostgresOutbox, "unpublished", behind_cursor)


def relay_without_lock() -> None:
    """Every relay acts as the leader."""

    async def outbox(leadership: Leadership) -> PostgresOutbox | None:
        leadership._held = leadership._connection is not None
        return await lead(leadership)

    lead = Leadership.outbox
    _replace(Leadership, "outbox", outbox)


def delete_before_sent() -> None:
    """The relay deletes rows before it sends them."""
    _switch_off_single_statement()
    unpublished = PostgresOutbox.unpublished

    async def delete_first(
        outbox: PostgresOutbox, limit: int, now: datetime, acknowledged: Sequence[OutboxRecord] = ()
    ) -> list[Unpublished]:
        batch = await unpublished(outbox, limit, now, acknowledged)
        await outbox.published([one.position for one in batch])
        return batch

    _replace(PostgresOutbox, "unpublished", delete_first)


def relay_skips_nothing() -> None:
    """The relay also publishes what is being published directly."""
    _replace(DirectPublisher, "left_to_the_relay", lambda _, found: found)


def no_parking() -> None:
    """Records of a key are handled although an earlier one is a dead letter."""

    async def parked(_: PostgresDeadLetters, __: Collection[OrderingKey]) -> set[OrderingKey]:
        return set()

    _replace(PostgresDeadLetters, "parked", parked)


SABOTAGES: dict[str, Callable[[], None]] = {
    sabotage.__name__.replace("_", "-"): sabotage
    for sabotage in (
        no_inbox,
        offset_before_database,
        publish_before_commit,
        relay_with_cursor,
        relay_without_lock,
        delete_before_sent,
        relay_skips_nothing,
        no_parking,
    )
}


def apply(name: str) -> None:
    """Switch the mechanism off in this process."""
    SABOTAGES[name]()


def _switch_off_single_statement() -> None:
    """Every batch uses a transaction and the outbox. Otherwise chance decides whether the switched-off part is used."""

    async def insert(_: Executor, __: Sequence[Message]) -> bool:
        return False

    _replace(Executor, "_insert", insert)


def _replace(owner: type[Any], name: str, function: Callable[..., Any]) -> None:
    assert hasattr(owner, name), f"{owner.__name__} has no {name} any more"
    setattr(owner, name, function)
