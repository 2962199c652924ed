"""The referrals of a case, as referral published them: the desk and the person who asked see how far they are."""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from chassis.handling import MessageContext, handles
from chassis.unit_of_work import UnitOfWork
from contracts.event import Event
from contracts.referral import ReferralAcknowledged, ReferralClosed, ReferralCreated
from contracts.vocabulary import ReferralKind, ReferralOutcome, Topic


@dataclass
class CaseReferral:
    """One referral of one question of a case."""

    id: UUID
    case_id: UUID
    question_id: UUID
    topic: Topic
    kind: ReferralKind
    service_id: str
    rule_id: str
    due_on: date
    created_at: datetime
    acknowledged_on: date | None = None
    closed_on: date | None = None
    outcome: ReferralOutcome | None = None
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)


class ReferralHandlers:
    """Keeps the referrals of cases; those of risks belong to no case, and are skipped."""

    @handles(ReferralCreated)
    def note_referral(self, event: ReferralCreated, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A service was asked about a question."""
        if event.case_id and event.question_id:
            uow.add(
                CaseReferral(
                    id=event.referral_id,
                    case_id=event.case_id,
                    question_id=event.question_id,
                    topic=event.topic,
                    kind=event.kind,
                    service_id=event.service_id,
                    rule_id=event.rule_id,
                    due_on=event.due_on,
                    created_at=ctx.time,
                )
            )

    @handles(ReferralAcknowledged, loads={CaseReferral: "referral_id"})
    def note_acknowledgement(self, event: ReferralAcknowledged, uow: UnitOfWork, _: MessageContext) -> None:
        """The service took note and acts."""
        if referral := uow.find(CaseReferral, event.referral_id):
            referral.acknowledged_on = event.acknowledged_on

    @handles(ReferralClosed, loads={CaseReferral: "referral_id"})
    def note_closing(self, event: ReferralClosed, uow: UnitOfWork, _: MessageContext) -> None:
        """The service is done."""
        if referral := uow.find(CaseReferral, event.referral_id):
            referral.closed_on, referral.outcome = event.closed_on, event.outcome
