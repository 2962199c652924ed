"""The gateway of a service: messages of partners, who write to topics of their own, are checked before they count."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from chassis.handling import MessageContext
from chassis.observability.metrics import Metrics
from chassis.persistence.inbox import EventKey
from chassis.record import Record

ACCEPTED, REJECTED = "accepted", "rejected"
REPEATED = "DUPLICATE"
"""Reason of what was accepted without an effect, because it had its effect before."""


class Verdict(NamedTuple):
    """What the gateway decided about one message: the labels of `duaal_border_messages_total`."""

    partner: str
    type: str
    """`other` when it is not a type that partners may send."""
    result: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """A message of a partner, checked: what a handler of the service gets, either to take it in or to reject it."""

    content: object
    context: MessageContext
    verdict: Verdict

    def event_keys(self, record: Record) -> tuple[EventKey, ...]:
        """A record is decided once; what its sender means by it has one effect, and what is rejected may be sent again.

        The first key is the place of the record.
        """
        place = EventKey(record.topic, record.place)
        return (place, self.event_key) if self.verdict.result == ACCEPTED else (place,)

    @property
    def event_key(self) -> EventKey:
        """The sender's own name for its message."""
        return EventKey(self.context.source, self.context.id)

    @property
    def repeated(self) -> Verdict:
        """The verdict when the message had its effect before."""
        return self.verdict._replace(reason=REPEATED)


def count_verdicts(metrics: Metrics, verdicts: Iterable[Verdict]) -> None:
    """Count every message once."""
    for verdict, number in Counter(verdicts).items():
        metrics.border.labels(*verdict).inc(number)


class PartnerGateway(Protocol):
    """Knows which topics partners write to, and reads their records."""

    @property
    def topics(self) -> Sequence[str]:
        """The topics whose records have to come through here."""
        ...

    def receive(self, record: Record, now: datetime) -> ReceivedMessage:
        """Check one record. Never raises for what a sender did: that is a rejection."""
        ...
