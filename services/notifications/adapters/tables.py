"""The tables of notifications' database."""

from sqlalchemy import Index, MetaData

from chassis.persistence.mapper import Mapper
from chassis.persistence.tables import add_chassis_tables
from services.notifications.domain.message import Message

METADATA = MetaData()
add_chassis_tables(METADATA)

MESSAGES = Mapper(Message, "messages", METADATA)

_due_at = MESSAGES.table.c.due_at
Index("messages_due", _due_at, postgresql_where=_due_at.is_not(None))
