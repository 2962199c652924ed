"""The door for partners: whose topic or token it is says who it is; the border says whether it comes in."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from chassis.handling import MessageContext
from chassis.partner_gateway import ACCEPTED, REJECTED, ReceivedMessage, Verdict
from chassis.partners import Partner
from chassis.record import Record
from contracts.envelope import RawHeaders
from services.intake.application.border import Accepted, Border, Refusal, RejectMessage, too_many
from services.intake.application.partner_messages import id_of
from services.intake.application.quota import Quotas

Sent = tuple[RawHeaders, bytes | None]
"""Attributes as headers, and the value: the two halves of a message in either CloudEvents mode."""


class IntakePartnerGateway:
    """One door, whether a message comes over Kafka or over HTTP; the quota counts both."""

    def __init__(self, partners: Mapping[str, Partner], border: Border) -> None:
        self.partners = partners
        self._border = border
        self._by_topic = {partner.events_topic: partner for partner in partners.values()}
        self._quotas = Quotas()

    @property
    def topics(self) -> Sequence[str]:
        """One per partner, also of who may publish nothing: what it sends is answered."""
        return list(self._by_topic)

    def receive(self, record: Record, now: datetime) -> ReceivedMessage:
        """A record of a partner's topic, as something for a handler: what it told us, or that it is turned away."""
        partner = self._by_topic[record.topic]
        if record.at and not self.has_room(partner, record.at, [record.place]):
            judged: Accepted | Refusal = too_many()
        else:
            judged = self.judge(partner, (record.headers, record.value), record.at)
        if isinstance(judged, Accepted):
            return let_in(partner, judged)
        message = RejectMessage(partner.id, record.partition, record.offset, judged)
        context = MessageContext(
            record.place, record.topic, judged.type or "other", record.at or now, authid=partner.id
        )
        return ReceivedMessage(message, context, rejected_verdict(partner, judged))

    def has_room(self, partner: Partner, at: datetime, places: Sequence[str]) -> bool:
        """Does the quota leave room for all of these?"""
        return self._quotas.admit(partner.id, partner.quota.events_per_minute, at, places)

    def judge(self, partner: Partner, sent: Sent, at: datetime | None) -> Accepted | Refusal:
        """One message, apart from the quota."""
        return self._border.judge(partner, *sent, at)


def let_in(partner: Partner, accepted: Accepted) -> ReceivedMessage:
    """What a partner said, known by a name that follows from its own and that nothing can be read from."""
    envelope = accepted.envelope
    name = id_of(partner.id, "message", f"{envelope.source}\n{envelope.id}")
    context = MessageContext(
        id=str(name),
        source=f"partner:{partner.id}",
        type=envelope.type,
        time=envelope.time,
        traceparent=envelope.traceparent,
        authid=partner.id,
    )
    return ReceivedMessage(accepted.told, context, Verdict(partner.id, envelope.type, ACCEPTED))


def rejected_verdict(partner: Partner, refusal: Refusal) -> Verdict:
    """How a refusal is counted."""
    return Verdict(partner.id, refusal.type or "other", REJECTED, refusal.reason)
