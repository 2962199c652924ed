"""Which partners are told of an event by webhook: as with mails, it is only written down; a second step posts it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chassis.handling import Handler, MessageContext, PermanentError
from chassis.unit_of_work import UnitOfWork
from contracts.event import Event
from contracts.registry import EVENTS
from services.notifications.domain.webhook import Webhook


@dataclass
class WebhookHandlers:
    """Partners by the type of event that they want to be told of."""

    partners: Mapping[str, tuple[str, ...]]

    def handlers(self) -> Iterable[Handler]:
        """One per type."""
        return [Handler(EVENTS[type_], {}, self.tell_partners, self.tell_partners.__name__) for type_ in self.partners]

    def tell_partners(self, event: Event, uow: UnitOfWork, ctx: MessageContext) -> None:
        """The whole event, as it came, for each partner that asked for it."""
        if ctx.received is None:
            raise PermanentError("only what came from Kafka can be passed on")
        envelope, data = ctx.received
        body = envelope.structured(data).decode()
        for partner in self.partners[event.declaration.type]:
            id_ = ctx.new_id(f"webhook/{partner}")
            uow.add(Webhook.queue(id_, partner, event.declaration.type, body, ctx.correlation, ctx.time))
