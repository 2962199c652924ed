"""Messages, made by events."""

from chassis.testing.builders import NOON
from chassis.testing.scenario import Scenario
from contracts.event import Event
from services.notifications.application.handlers import Handlers, ReceiptHandlers
from services.notifications.domain.message import Message


def messages_for(event: Event) -> list[Message]:
    """Every message for an event, one per recipient."""
    scenario = Scenario((Handlers(), ReceiptHandlers()))
    assert scenario.when(event) == []
    return scenario.all(Message)


def a_message_for(event: Event) -> Message:
    """The first message for an event, queued at noon."""
    message = messages_for(event)[0]
    assert message.due_at == NOON
    return message
