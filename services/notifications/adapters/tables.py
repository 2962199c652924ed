"""The tables of notifications' database."""

from chassis.persistence.mapper import Index, Mapper
from services.notifications.domain.message import Message
from services.notifications.domain.webhook import Webhook

MESSAGES = Mapper(Message, "messages", Index("messages_due", ("due_at",), where="due_at is not null"))
WEBHOOKS = Mapper(Webhook, "webhooks", Index("webhooks_due", ("partner", "due_at"), where="due_at is not null"))

GIVEN_UP = {WEBHOOKS.table: "status = 'FAILED' and queued_at < now() - $1::interval"}
"""Failed webhooks may be deleted after a while: their outcome was published as WebhookFailed."""
