"""The facts that notifications publishes: which mail went to whom or did not, which webhook did not."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.event import Event, event
from contracts.vocabulary import Code, DeliveryFailure, MessageId


@event("be.duaalwest.notifications.MessageSent.v1", topic="duaal.notifications.messages", key="message_id")
class MessageSent(Event):
    """A mail was accepted by our mail server, for an organisation or for who asked a question."""

    message_id: MessageId
    template: Code
    recipient: Code
    """The organisation's service, or `asker`: whoever asked the question. Never a name and never an address."""
    about: UUID
    """The referral, proposal, risk, dossier or question that the mail is about."""
    attempts: Annotated[int, Field(ge=1)]
    sent_at: AwareDatetime


@event("be.duaalwest.notifications.MessageFailed.v1", topic="duaal.notifications.messages", key="message_id")
class MessageFailed(Event):
    """A mail will not go out; a person has to look at it."""

    message_id: MessageId
    template: Code
    recipient: Code
    about: UUID
    attempts: Annotated[int, Field(ge=0)]
    reason: DeliveryFailure
    failed_at: AwareDatetime


@event("be.duaalwest.notifications.WebhookFailed.v1", topic="duaal.notifications.messages", key="message_id")
class WebhookFailed(Event):
    """A partner will not be told of an event by webhook unless a person tries again."""

    message_id: MessageId
    """The `webhook-id` of every attempt."""
    partner: Code
    type: Annotated[str, Field(pattern=r"^be\.duaalwest\.[a-z]+\.[A-Z][A-Za-z]+\.v[1-9][0-9]*$")]
    """What the partner asked to be told of."""
    attempts: Annotated[int, Field(ge=0)]
    reason: DeliveryFailure
    failed_at: AwareDatetime
