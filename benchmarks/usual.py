"""The hop in the common way: a typed FastStream handler and an ORM session per message, and a relay that polls.

`polling` has its own relay, as in most tutorials; `outbox` uses faststream-outbox with its default settings.
Durability is the same as in the chassis; order per key and the inbox are written by hand.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import uvloop
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker, KafkaResponse
from faststream_outbox import OutboxBroker, make_outbox_table
from sqlalchemy import JSON, BigInteger, DateTime, Identity, MetaData, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.bare import SAME
from benchmarks.ground import SOURCE
from benchmarks.meters import OUT_TYPE, MeterRead

URL = os.environ["METERS_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
BOOTSTRAP = os.environ["METERS_KAFKA_BOOTSTRAP_SERVERS"]
IN_TOPIC, OUT_TOPIC = os.environ["METERS_IN_TOPIC"], os.environ["METERS_OUT_TOPIC"]
POLL = 0.1


class Base(DeclarativeBase):
    """The tables of the chassis as ORM classes."""

    type_annotation_map = {int: BigInteger, datetime: DateTime(timezone=True), list[list[str]]: JSON}  # noqa: RUF012


class Inbox(Base):
    """An event that was handled."""

    __tablename__ = "inbox"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)


class Meter(Base):
    """A meter."""

    __tablename__ = "meters"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    total: Mapped[int]
    readings: Mapped[int]
    last_reading: Mapped[UUID | None]
    last_at: Mapped[datetime | None]
    version: Mapped[int]


class Outbox(Base):
    """An event that is not published yet."""

    __tablename__ = "outbox"

    position: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    aggregate_id: Mapped[UUID]
    sequence: Mapped[int]
    topic: Mapped[str]
    headers: Mapped[list[list[str]]]
    value: Mapped[bytes]


kafka = KafkaBroker(BOOTSTRAP, acks="all", enable_idempotence=True, compression_type="zstd", logger=None)
engine = create_async_engine(URL)
sessions = async_sessionmaker(engine, expire_on_commit=False)
metadata = MetaData()
outbox = OutboxBroker(engine, outbox_table=make_outbox_table(metadata, table_name="relayed"), logger=None)


async def add_to_our_outbox(
    session: AsyncSession, event: dict[str, Any], meter: Meter, headers: dict[str, str]
) -> None:
    """Add an event to our own outbox table."""
    written = [[name, value] for name, value in headers.items()]
    value = MeterRead.__pydantic_serializer__.to_json(event)
    session.add(Outbox(aggregate_id=meter.id, sequence=meter.version, topic=OUT_TOPIC, headers=written, value=value))


async def add_to_faststream_outbox(
    session: AsyncSession, event: dict[str, Any], meter: Meter, headers: dict[str, str]
) -> None:
    """Add an event to the table of faststream-outbox."""
    body = {"key": str(meter.id), "headers": headers, "event": {**event, "read_at": event["read_at"].isoformat()}}
    await outbox.publish(body, queue="totals", session=session)


add_event = add_to_faststream_outbox if sys.argv[1:] == ["outbox"] else add_to_our_outbox


@kafka.subscriber(
    IN_TOPIC,
    group_id="duaal.meters",
    ack_policy=AckPolicy.ACK,
    auto_offset_reset="earliest",
    isolation_level="read_committed",
)
async def add_reading(reading: MeterRead) -> None:
    """The whole hop of one message in one session."""
    async with sessions.begin() as session:
        session.add(Inbox(consumer="meters", source=SOURCE, event_id=str(reading.reading_id)))
        await session.flush()
        meter = await session.get_one(Meter, reading.meter_id, with_for_update=True)
        meter.total, meter.readings, meter.version = meter.total + reading.amount, meter.readings + 1, meter.version + 1
        meter.last_reading, meter.last_at = reading.reading_id, reading.read_at
        event = reading.model_dump(exclude={"amount", "estimated"})
        event |= {"total": meter.total, "readings": meter.readings}
        event |= {"meter_id": str(meter.id), "reading_id": str(reading.reading_id)}
        await add_event(session, event, meter, _headers(reading, meter))


@kafka.publisher(OUT_TOPIC)
@outbox.subscriber("totals")
async def relay_event(body: dict[str, Any]) -> KafkaResponse:
    """The relay of faststream-outbox: publish one row."""
    return KafkaResponse(body["event"], headers=body["headers"], key=body["key"].encode())


async def relay() -> None:
    """The relay that polls."""
    while True:
        async with sessions.begin() as session:
            rows = (await session.scalars(select(Outbox).order_by(Outbox.position).limit(100))).all()
            for row in rows:
                headers = dict(row.headers)
                await kafka.publish(row.value, row.topic, key=str(row.aggregate_id).encode(), headers=headers)
                await session.delete(row)
        if not rows:
            await asyncio.sleep(POLL)


def _headers(reading: MeterRead, meter: Meter) -> dict[str, str]:
    subject = str(meter.id)
    return {
        "ce_specversion": "1.0",
        "ce_id": str(uuid5(SAME, f"{SOURCE}\n{reading.reading_id}\n{subject}/{meter.version}")),
        "ce_source": "/services/meters",
        "ce_type": OUT_TYPE,
        "ce_subject": subject,
        "ce_partitionkey": subject,
        "ce_time": reading.read_at.isoformat(),
        "ce_recordedtime": datetime.now(UTC).isoformat(),
        "ce_sequence": f"{meter.version:012d}",
        "ce_correlationid": subject,
        "ce_causationid": str(reading.reading_id),
        "ce_dataclassification": "internal",
    }


@asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    """Run the relay of either kind next to the consumer."""
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    await kafka.connect()
    task = asyncio.create_task(relay()) if add_event is add_to_our_outbox else None
    try:
        yield
    finally:
        if task:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def main() -> None:
    """Until SIGTERM."""
    app = FastStream(outbox, lifespan=lifespan, after_startup=[kafka.start], on_shutdown=[kafka.stop], logger=None)
    await app.run()


if __name__ == "__main__":
    uvloop.run(main())
