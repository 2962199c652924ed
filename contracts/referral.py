"""The facts that referral publishes: who is asked to help, by which rule, and by when."""

from datetime import date
from typing import Annotated

from pydantic import Field

from contracts.event import Event, event
from contracts.vocabulary import (
    Audience,
    CaseId,
    Code,
    LearnerId,
    QuestionId,
    ReferralId,
    ReferralKind,
    ReferralOutcome,
    RiskId,
    Subregion,
    Topic,
)


@event("be.duaalwest.referral.ReferralCreated.v1", topic="duaal.referral.referrals", key="referral_id")
class ReferralCreated(Event):
    """A question or a risk signal was referred to the service of a partner."""

    referral_id: ReferralId
    case_id: CaseId | None = None
    question_id: QuestionId | None = None
    learner_id: LearnerId | None = None
    risk_id: RiskId | None = None
    topic: Topic
    audience: Audience | None = None
    """Absent for a risk signal."""
    subregion: Subregion | None = None
    kind: ReferralKind
    service_id: Code
    """The partner's service in the directory."""
    next_service_id: Code | None = None
    """Who is asked when the first cannot help."""
    rule_id: Code
    rule_version: Code
    sla_days: Annotated[int, Field(ge=0, le=60)]
    due_on: date
    """Day of the first contact at the latest, counted in Belgian working days."""


@event("be.duaalwest.referral.ReferralAcknowledged.v1", topic="duaal.referral.referrals", key="referral_id")
class ReferralAcknowledged(Event):
    """The partner that was asked took note and acts."""

    referral_id: ReferralId
    service_id: Code
    acknowledged_on: date
    in_time: bool
    """On the day by which a first contact was due, or before."""


@event("be.duaalwest.referral.ReferralClosed.v1", topic="duaal.referral.referrals", key="referral_id")
class ReferralClosed(Event):
    """The partner that was asked is done."""

    referral_id: ReferralId
    service_id: Code
    outcome: ReferralOutcome | None = None
    """Absent: an outcome that we do not know yet."""
    closed_on: date
