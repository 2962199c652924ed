"""The facts that matching publishes: which workplace might suit which learner, and why."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.event import Event, Timer, event
from contracts.vocabulary import (
    AgreementForm,
    AgreementId,
    Code,
    Criterion,
    EndReason,
    InstitutionNumber,
    LearnerId,
    ProposalId,
    SearchId,
    SoNumber,
    Subregion,
    WorkplaceId,
)


class Reason(BaseModel):
    """One criterion of a proposal: did it hold, and how much did it weigh."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    criterion: Criterion
    matched: bool
    known: bool
    """False: one side did not say, and an empty criterion counts as matched."""
    weight: Annotated[int, Field(ge=0, le=100)]


@event("be.duaalwest.matching.MatchProposed.v1", topic="duaal.matching.proposals", key="learner_id")
class MatchProposed(Event):
    """We propose a workplace to the trajectbegeleider of a learner, who decides."""

    learner_id: LearnerId
    proposal_id: ProposalId
    search_id: SearchId
    workplace_id: WorkplaceId
    programme: SoNumber
    school: InstitutionNumber
    """The school whose trajectbegeleider decides."""
    subregion: Subregion
    """Where the workplace is."""
    score: Annotated[int, Field(ge=0, le=100)]
    """Share of the weights that matched, in per cent."""
    reasons: Annotated[tuple[Reason, ...], Field(min_length=1, max_length=20)]
    distance_km: Annotated[float, Field(ge=0)] | None = None
    """From the school to the workplace; absent when the school's place is not known."""
    recognition_pending: bool
    """The company still has to be recognised before an agreement can start."""
    rule_version: Code
    proposed_on: date
    expires_on: date


@event("be.duaalwest.matching.MatchLapsed.v1", topic="duaal.matching.proposals", key="learner_id")
class MatchLapsed(Event):
    """Nobody decided on a proposal within its time; the position is free again."""

    learner_id: LearnerId
    proposal_id: ProposalId
    workplace_id: WorkplaceId
    programme: SoNumber
    expired_on: date
    """The last day on which somebody could decide."""


@event("be.duaalwest.matching.AgreementRegistered.v1", topic="duaal.matching.agreements", key="agreement_id")
class AgreementRegistered(Event):
    """A learner has an agreement with a company, says a partner; the register itself is elsewhere."""

    agreement_id: AgreementId
    learner_id: LearnerId
    workplace_id: WorkplaceId | None = None
    proposal_id: ProposalId | None = None
    """The proposal of ours that it follows from."""
    form: AgreementForm | None = None
    programme: SoNumber | None = None
    starts_on: date
    ends_on: date | None = None
    """Planned."""
    source: Code
    """The partner."""


@event("be.duaalwest.matching.AgreementEnded.v1", topic="duaal.matching.agreements", key="agreement_id")
class AgreementEnded(Event):
    """An agreement came to its end, or was ended, says a partner."""

    agreement_id: AgreementId
    learner_id: LearnerId
    reason: EndReason | None = None
    """Absent: one that we do not know yet."""
    ended_on: date
    source: Code


@event("be.duaalwest.matching.ProposalPeriodEnded.v1", topic="duaal.matching.timers", key="timer_id")
class ProposalPeriodEnded(Timer):
    """The last day of a proposal is over."""

    proposal_id: ProposalId
    learner_id: LearnerId
    workplace_id: WorkplaceId
    programme: SoNumber
