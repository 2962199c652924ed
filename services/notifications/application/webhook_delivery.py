"""The outbound action of webhooks: post one to its partner and record the outcome."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.notifications.application.ports import Answer, Post, Receiver
from services.notifications.domain.attempts import RetrySchedule
from services.notifications.domain.webhook import Webhook


@dataclass
class WebhookDelivery:
    """Posts the due webhooks of one partner. Each partner has its own, so that a slow server delays no other."""

    partner: str
    urls: Mapping[str, str]
    """The URL for each type of event, by today's manifest."""
    receiver: Receiver
    schedule: RetrySchedule
    at_once: int = 5
    kind: type[Webhook] = Webhook

    @property
    def only(self) -> tuple[str, str]:
        """Only the webhooks of this partner."""
        return "partner", self.partner

    async def perform(self, webhook: Webhook, now: datetime) -> Answer | None:
        """One attempt; None when the partner's manifest no longer asks for this type."""
        url = self.urls.get(webhook.type)
        if url is None or webhook.body is None:
            return None
        return await self.receiver.post(Post(webhook.id, url, webhook.body.encode(), now))

    def record(self, webhook: Webhook, result: Answer | None, now: datetime) -> None:
        """Record the outcome of the attempt."""
        match result:
            case None:
                webhook.unsubscribed(now)
            case Answer.ACCEPTED:
                webhook.delivered()
            case Answer.REFUSED:
                webhook.refused(now)
            case Answer.NOT_NOW:
                webhook.postponed(now, self.schedule)

    def record_error(self, webhook: Webhook, now: datetime) -> None:
        """It cannot even be attempted."""
        webhook.postponed(now, self.schedule)
