"""The tables that the chassis keeps in every service's database."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
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


def add_chassis_tables(metadata: MetaData) -> None:
    """Describe inbox, outbox, dead letters and answered requests in the metadata of a service."""
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
        UniqueConstraint("aggregate_id", "sequence", name="outbox_once"),
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
