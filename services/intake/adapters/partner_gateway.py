"""The partner gateway of intake: the topic or token identifies the partner, the border accepts or refuses."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from chassis.actors import Actor, Way
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
    """Checks messages from Kafka and from HTTP by the same rules; both count for the same quota."""

    def __init__(self, partners: Mapping[str, Partner], border: Border) -> None:
        self.partners = partners
        self._border = border
        self._by_topic = {partner.events_topic: partner for partner in partners.values()}
        self._quotas = Quotas()

    @property
    def topics(self) -> Sequence[str]:
        """One per partner. Also of a partner that may publish nothing: each of its messages gets a rejection."""
        return list(self._by_topic)

    def receive(self, record: Record, now: datetime) -> ReceivedMessage:
        """A record of a partner's topic, as the message for a handler: accepted, or a rejection to publish."""
        partner = self._by_topic[record.topic]
        if record.at and not self.has_room(partner, record.at, [record.place]):
            judged: Accepted | Refusal = too_many()
        else:
            judged = self.judge(partner, (record.headers, record.value), record.at)
        if isinstance(judged, Accepted):
            return accepted_message(partner, judged)
        message = RejectMessage(partner.id, record.partition, record.offset, judged)
        context = MessageContext(
            record.place, record.topic, judged.type or "other", record.at or now, actor=_actor(partner)
        )
        return ReceivedMessage(message, context, rejected_verdict(partner, judged))

    def has_room(self, partner: Partner, at: datetime, places: Sequence[str]) -> bool:
        """Does the quota of this minute leave room for all of these?"""
        return self._quotas.admit(partner.id, partner.quota.events_per_minute, at, places)

    def judge(self, partner: Partner, sent: Sent, at: datetime | None) -> Accepted | Refusal:
        """Check one message, without counting it for the quota."""
        return self._border.judge(partner, *sent, at)


def accepted_message(partner: Partner, accepted: Accepted) -> ReceivedMessage:
    """The message for a handler. Its id is a hash of the partner's own id, so that it reveals nothing of that one."""
    envelope = accepted.envelope
    id_ = id_of(partner.id, "message", f"{envelope.source}\n{envelope.id}")
    context = MessageContext(
        id=str(id_),
        source=f"partner:{partner.id}",
        type=envelope.type,
        time=envelope.time,
        traceparent=envelope.traceparent,
        actor=_actor(partner),
    )
    return ReceivedMessage(accepted.message, context, Verdict(partner.id, envelope.type, ACCEPTED))


def _actor(partner: Partner) -> Actor:
    return Actor(partner.id, Way.PARTNER)


def rejected_verdict(partner: Partner, refusal: Refusal) -> Verdict:
    """The labels under which a refusal is counted."""
    return Verdict(partner.id, refusal.type or "other", REJECTED, refusal.reason)
