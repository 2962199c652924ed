"""The facts that intake publishes: what came in from outside about people and companies, without who they are."""

from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, Field

from contracts.event import Event, event
from contracts.vocabulary import (
    AgeBand,
    AgreementForm,
    AgreementId,
    AgreementStatus,
    Audience,
    CaseId,
    CaseOutcome,
    Channel,
    Code,
    DossierId,
    EducationType,
    EndReason,
    InstitutionNumber,
    JointCommitteeNumber,
    Language,
    LearnerId,
    NisCode,
    ProposalId,
    QuestionId,
    Recognition,
    ReferralId,
    ReferralOutcome,
    ReferralProgress,
    RiskId,
    RiskSignal,
    Role,
    SchoolNet,
    SchoolYear,
    SearchId,
    Severity,
    SoNumber,
    Subregion,
    Topic,
    Weekday,
    WorkplaceId,
)

Topics = Annotated[tuple[Topic, ...], Field(min_length=1, max_length=3)]
Weekdays = Annotated[tuple[Weekday, ...], Field(max_length=7)]


@event("be.duaalwest.intake.QuestionReceived.v1", topic="duaal.intake.cases", key="case_id")
class QuestionReceived(Event):
    """Someone asked a question; it opened a case, or joined one."""

    case_id: CaseId
    question_id: QuestionId
    channel: Channel
    audience: Audience
    topics: Topics
    """Best first, never empty; T40 when triage was unsure."""
    subregion: Subregion | None = None
    """Of the asker, or of the school when the question is about one. Absent: not given, or outside the province."""
    age_band: AgeBand
    language: Language
    school_net: SchoolNet | None = None
    joint_committee: JointCommitteeNumber | None = None
    programme: SoNumber | None = None
    received_at: AwareDatetime


@event("be.duaalwest.intake.CaseClosed.v1", topic="duaal.intake.cases", key="case_id")
class CaseClosed(Event):
    """Nothing more is to be done for a case; its open referrals stop."""

    case_id: CaseId
    outcome: CaseOutcome
    """A reader that does not know the outcome does nothing."""
    closed_on: date


@event("be.duaalwest.intake.CaseReopened.v1", topic="duaal.intake.cases", key="case_id")
class CaseReopened(Event):
    """A case that was closed got a new question, which follows as QuestionReceived."""

    case_id: CaseId
    reopened_on: date


@event("be.duaalwest.intake.LearnerAtRisk.v1", topic="duaal.intake.learners", key="learner_id")
class LearnerAtRisk(Event):
    """A person with a role reported that a learner may drop out."""

    learner_id: LearnerId
    risk_id: RiskId
    signal: RiskSignal
    severity: Severity
    reported_by: Role
    owner: Role
    """Who has to act first."""
    opened_on: date
    due_on: date
    """Last day on which the owner should have acted, in Belgian working days."""
    school: InstitutionNumber
    subregion: Subregion | None = None
    age_band: AgeBand
    programme: SoNumber | None = None


@event("be.duaalwest.intake.LearnerSearchStarted.v1", topic="duaal.intake.learners", key="learner_id")
class LearnerSearchStarted(Event):
    """A learner, or the school for them, started to look for a workplace."""

    learner_id: LearnerId
    search_id: SearchId
    programme: SoNumber
    school: InstitutionNumber
    """Distances are measured from here: where a learner lives does not travel."""
    education_type: EducationType
    subregion: Subregion | None = None
    age_band: AgeBand
    days: Weekdays = ()
    """Days at the workplace; empty: any."""
    max_distance_km: Annotated[int, Field(ge=1, le=200)] | None = None
    needs_public_transport: bool = False
    needs_accessible_place: bool = False
    language: Language
    started_on: date
    clock_days: Annotated[int, Field(ge=1, le=200)]
    """Opleidingsdagen that the learner has to find a workplace."""


@event("be.duaalwest.intake.WorkplaceRegistered.v1", topic="duaal.intake.workplaces", key="workplace_id")
class WorkplaceRegistered(Event):
    """A company told us of a workplace for one programme; it may be recognised, or only interested."""

    workplace_id: WorkplaceId
    programme: SoNumber
    recognition: Recognition
    recognised_until: date | None = None
    joint_committee: JointCommitteeNumber | None = None
    open_positions: Annotated[int, Field(ge=0, le=500)]
    nis: NisCode
    subregion: Subregion
    days: Weekdays = ()
    """Days on which a learner is welcome; empty: any."""
    public_transport: bool | None = None
    accessible: bool | None = None
    languages: Annotated[tuple[Language, ...], Field(max_length=4)] = ()
    had_learner_before: bool | None = None
    source: Code
    registered_on: date
    expires_on: date
    """Without a confirmation the workplace is no longer offered after this day."""


@event("be.duaalwest.intake.ProgrammatieReceived.v1", topic="duaal.intake.programmaties", key="dossier_id")
class ProgrammatieReceived(Event):
    """A partner told us that a school submitted an application for a dual programme to AGODI."""

    dossier_id: DossierId
    institution: InstitutionNumber
    site: Code
    programme: SoNumber
    school_year: SchoolYear
    """The first school year of the programme."""
    agodi_reference: Code
    submitted_on: date
    source: Code
    """The partner."""


@event("be.duaalwest.intake.ReferralFeedbackReceived.v1", topic="duaal.intake.feedback", key="referral_id")
class ReferralFeedbackReceived(Event):
    """A partner told us how far it is with a referral."""

    referral_id: ReferralId
    progress: ReferralProgress
    outcome: ReferralOutcome | None = None
    """Only when it is closed."""
    happened_on: date
    source: Code
    """The partner; whether the referral went to it, referral decides."""


@event("be.duaalwest.intake.AgreementReported.v1", topic="duaal.intake.agreements", key="agreement_id")
class AgreementReported(Event):
    """A partner told us that an agreement was registered, or ended. The register itself is elsewhere."""

    agreement_id: AgreementId
    learner_id: LearnerId
    status: AgreementStatus
    happened_on: date
    """Its first day, or its last."""
    workplace_id: WorkplaceId | None = None
    proposal_id: ProposalId | None = None
    form: AgreementForm | None = None
    programme: SoNumber | None = None
    school: InstitutionNumber | None = None
    ends_on: date | None = None
    """Planned last day of an agreement that was registered."""
    reason: EndReason | None = None
    """Of an agreement that ended."""
    source: Code
    """The partner."""
