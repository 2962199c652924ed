"""The tables of notifications' database."""

from sqlalchemy import Index, MetaData

from chassis.persistence.mapper import Mapper
from chassis.persistence.tables import add_chassis_tables
from services.notifications.domain.message import Message
from services.notifications.domain.webhook import Webhook

METADATA = MetaData()
add_chassis_tables(METADATA)

MESSAGES = Mapper(Message, "messages", METADATA)
WEBHOOKS = Mapper(Webhook, "webhooks", METADATA)

GIVEN_UP = {WEBHOOKS.table.name: "status = 'FAILED' and queued_at < now() - $1::interval"}
"""Webhooks that nobody asks for again: what became of them was told in WebhookFailed."""

_message, _webhook = MESSAGES.table.c, WEBHOOKS.table.c
Index("messages_due", _message.due_at, postgresql_where=_message.due_at.is_not(None))
Index("webhooks_due", _webhook.partner, _webhook.due_at, postgresql_where=_webhook.due_at.is_not(None))
