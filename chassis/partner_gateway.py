"""The door of a service: what others write to topics of their own is checked before it is a message."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from chassis.handling import MessageContext
from chassis.messaging.inbox import EventKey
from chassis.messaging.record import Record
from chassis.observability.metrics import Metrics

ACCEPTED, REJECTED = "accepted", "rejected"
TWICE = "DUPLICATE"
"""Reason of what was accepted without an effect, because it had one before."""


class Verdict(NamedTuple):
    """What the border made of one message: the labels of `duaal_border_messages_total`."""

    partner: str
    type: str
    """`other` when it is not a type that partners may send."""
    result: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """What came in through the door: a message for a handler of the service, to take it in or to refuse it."""

    message: object
    context: MessageContext
    verdict: Verdict

    def keys(self, record: Record) -> tuple[EventKey, ...]:
        """A record is decided once, and what its sender said has an effect once; what is refused may be said again."""
        place = EventKey(record.topic, record.place)
        return (place, self.said) if self.verdict.result == ACCEPTED else (place,)

    @property
    def said(self) -> EventKey:
        """The sender's own name for its message."""
        return EventKey(self.context.source, self.context.id)

    def said_before(self) -> Verdict:
        """The verdict when what was said had its effect before."""
        return self.verdict._replace(reason=TWICE)


def count(metrics: Metrics, verdicts: Iterable[Verdict]) -> None:
    """Every message once."""
    for verdict, number in Counter(verdicts).items():
        metrics.border.labels(*verdict).inc(number)


class PartnerGateway(Protocol):
    """Knows which topics others write to, and reads their records."""

    @property
    def topics(self) -> Sequence[str]:
        """The topics whose records have to come through here."""
        ...

    def open(self, record: Record, now: datetime) -> ReceivedMessage:
        """Check one record. Never raises for what a sender did: that is a refusal."""
        ...
