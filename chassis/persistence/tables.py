"""What a service's database looks like: what the migrations have to make. No running service needs it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from chassis.persistence.mapper import Mapper

KINDS: dict[str, TypeEngine[Any]] = {
    "uuid": Uuid(),
    "text": Text(),
    "boolean": Boolean(),
    "bigint": BigInteger(),
    "float8": Double(),
    "timestamptz": DateTime(timezone=True),
    "date": Date(),
    "jsonb": JSONB(),
}


def tables_of(mappers: Iterable[Mapper[Any]]) -> MetaData:
    """The tables of a service: those of its aggregates, and those that the chassis keeps in every database."""
    metadata = MetaData()
    _add_chassis_tables(metadata)
    for mapper in mappers:
        columns = [
            Column(f.name, KINDS[f.cast], nullable=f.nullable, primary_key=f.name == "id") for f in mapper.fields
        ]
        table = Table(mapper.table, metadata, *columns)
        for name, names, unique, where in mapper.indexes:
            Index(name, *(table.c[one] for one in names), unique=unique, postgresql_where=where and text(where))
    return metadata


def _add_chassis_tables(metadata: MetaData) -> None:
    Table(
        "inbox",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("source", Text, primary_key=True),
        Column("event_id", Text, primary_key=True),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Index("inbox_received", "received_at", postgresql_using="brin"),
    )
    Table(
        "outbox",
        metadata,
        Column("position", BigInteger, Identity(always=True), primary_key=True),
        Column("aggregate_id", Uuid, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("headers", JSON, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("error", Text),
        Column("held_until", DateTime(timezone=True)),
        UniqueConstraint("aggregate_id", "sequence", "topic", name="outbox_once"),
        Index("outbox_held", "held_until", postgresql_where=text("held_until is not null")),
    )
    Table(
        "audit",
        metadata,
        Column("position", BigInteger, Identity(always=True), primary_key=True),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("actor", Text, nullable=False),
        Column("way", Text, nullable=False),
        Column("roles", Text, nullable=False),
        Column("institution", Text),
        Column("action", Text, nullable=False),
        Column("about", Uuid, nullable=False),
        Index("audit_about", "about"),
        Index("audit_at", "at", postgresql_using="brin"),
    )
    Table(
        "timers",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Column("topic", Text, nullable=False),
        Column("headers", JSON, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Index("timers_due", "due_at", "id", unique=True),
    )
    Table(
        "skipped_records",
        metadata,
        Column("position", BigInteger, primary_key=True),
        Column("aggregate_id", Uuid, nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("headers", JSON, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("error", Text),
        Column("skipped_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("skipped_by", Text, nullable=False),
        Column("skipped_reason", Text, nullable=False),
    )
    Table(
        "dead_letters",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("position", BigInteger, Identity(always=True), nullable=False),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        Column("key", LargeBinary),
        Column("headers", JSON, nullable=False),
        Column("value", LargeBinary),
        Column("reason", Text, nullable=False),
        Column("error", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("type", Text),
        Column("status", Text, nullable=False, server_default="open"),
        Column("opened_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("closed_at", DateTime(timezone=True)),
        Column("closed_by", Text),
        Column("closed_reason", Text),
        Index("dead_letters_open", "topic", "key", postgresql_where=text("status = 'open'")),
    )
    Table(
        "answered_requests",
        metadata,
        Column("key", Text, primary_key=True),
        Column("fingerprint", Text, nullable=False),
        Column("answer", Text, nullable=False),
        Column("answered_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )
