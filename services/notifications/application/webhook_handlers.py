"""Queues webhooks for the partners that asked for an event. An outbound action posts them after the commit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chassis.handling import Handler, MessageContext, PermanentError
from chassis.unit_of_work import UnitOfWork
from contracts.event import Event
from contracts.registry import EVENTS
from services.notifications.domain.webhook import Webhook


@dataclass
class WebhookHandlers:
    """The subscribed partners, by type of event."""

    partners: Mapping[str, tuple[str, ...]]

    def handlers(self) -> Iterable[Handler]:
        """One handler per type."""
        return [
            Handler(EVENTS[type_], {}, self.queue_webhooks, self.queue_webhooks.__name__) for type_ in self.partners
        ]

    def queue_webhooks(self, event: Event, uow: UnitOfWork, ctx: MessageContext) -> None:
        """Queue the event, unchanged, for each partner that asked for it."""
        if ctx.received is None:
            raise PermanentError("only what came from Kafka can be passed on")
        envelope, data = ctx.received
        body = envelope.structured(data).decode()
        for partner in self.partners[event.declaration.type]:
            id_ = ctx.new_id(f"webhook/{partner}")
            uow.add(Webhook.queue(id_, partner, event.declaration.type, body, ctx.correlation, ctx.time))
