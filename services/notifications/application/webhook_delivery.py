"""The second step of a webhook: post it to the partner, and note what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.notifications.application.ports import Answer, Post, Receiver
from services.notifications.domain.attempts import RetrySchedule
from services.notifications.domain.webhook import Webhook


@dataclass
class WebhookDelivery:
    """Posts the webhooks of one partner that are due: each partner has its own, so that none waits for another."""

    partner: str
    urls: Mapping[str, str]
    """Where the partner wants each type of event, as its manifest says today."""
    receiver: Receiver
    schedule: RetrySchedule
    at_once: int = 5
    kind: type[Webhook] = Webhook

    @property
    def only(self) -> tuple[str, str]:
        """The webhooks of this partner."""
        return "partner", self.partner

    async def perform(self, webhook: Webhook, now: datetime) -> None:
        """One attempt."""
        url = self.urls.get(webhook.type)
        if url is None or webhook.body is None:
            webhook.unasked(now)
            return
        match await self.receiver.post(Post(webhook.id, url, webhook.body.encode(), now)):
            case Answer.ACCEPTED:
                webhook.delivered()
            case Answer.REFUSED:
                webhook.refused(now)
            case Answer.NOT_NOW:
                webhook.postponed(now, self.schedule)
