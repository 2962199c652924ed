"""The referrals of a case, as referral published them: the desk and the person who asked see how far they are."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis.projections import Changes, Projection, projects
from contracts.referral import ReferralAcknowledged, ReferralClosed, ReferralCreated
from contracts.vocabulary import ReferralKind, ReferralOutcome, Topic


@dataclass(frozen=True)
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


@projects(ReferralCreated)
def created(event: ReferralCreated, at: datetime) -> CaseReferral | None:
    """A service was asked about a question. The referral of a risk belongs to no case."""
    if event.case_id is None or event.question_id is None:
        return None
    return CaseReferral(
        id=event.referral_id,
        case_id=event.case_id,
        question_id=event.question_id,
        topic=event.topic,
        kind=event.kind,
        service_id=event.service_id,
        rule_id=event.rule_id,
        due_on=event.due_on,
        created_at=at,
    )


@projects(ReferralAcknowledged)
def acknowledged(event: ReferralAcknowledged) -> Changes:
    """The service took note and acts."""
    return Changes(acknowledged_on=event.acknowledged_on)


@projects(ReferralClosed)
def closed(event: ReferralClosed) -> Changes:
    """The service is done."""
    return Changes(closed_on=event.closed_on, outcome=event.outcome)


REFERRALS_OF_CASES = Projection(CaseReferral, created, acknowledged, closed)
