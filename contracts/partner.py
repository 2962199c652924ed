"""The partner dialect: what a partner may tell us, in its own references, and how we say that we did not take it in.

A partner publishes on `partner.<id>.events`; a `reference` is its own opaque name for a thing and never a person's.
The border (intake) turns references into ids of ours and publishes the fact again under our own types.
"""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from contracts.event import Event, event
from contracts.intake import Topics, Weekdays
from contracts.vocabulary import (
    AgeBand,
    AgreementForm,
    Audience,
    Code,
    EndReason,
    InstitutionNumber,
    JointCommitteeNumber,
    Language,
    NisCode,
    ProposalId,
    Recognition,
    ReferralId,
    ReferralOutcome,
    RejectionReason,
    RiskSignal,
    Role,
    SchoolNet,
    SchoolYear,
    SoNumber,
    Subregion,
)

EVENTS = "partner.<partner>.events"
REJECTED = "partner.<partner>.rejected"

Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
"""A partner's own name for a thing, opaque to us: a number of a file, a random key. Never a name or national number."""


@event("be.duaalwest.partner.QuestionReceived.v1", topic=EVENTS, key="reference")
class QuestionReceived(Event):
    """Someone asked the partner a question that is for the Steunpunt; what was said stays with the partner."""

    reference: Reference
    """Of the case: questions with the same reference belong together."""
    audience: Audience
    topics: Topics
    """Best first; T40 when unsure."""
    subregion: Subregion | None = None
    age_band: AgeBand
    language: Language
    school_net: SchoolNet | None = None
    joint_committee: JointCommitteeNumber | None = None
    programme: SoNumber | None = None
    received_at: AwareDatetime


@event("be.duaalwest.partner.LearnerAtRisk.v1", topic=EVENTS, key="reference")
class LearnerAtRisk(Event):
    """A person with a role at the partner fears that a learner may drop out."""

    reference: Reference
    """Of the report."""
    learner_reference: Reference
    signal: RiskSignal
    reported_by: Role
    opened_on: date
    school: InstitutionNumber
    subregion: Subregion | None = None
    age_band: AgeBand
    programme: SoNumber | None = None


@event("be.duaalwest.partner.LearnerSearchStarted.v1", topic=EVENTS, key="reference")
class LearnerSearchStarted(Event):
    """A learner, or the school for them, started to look for a workplace."""

    reference: Reference
    """Of the search."""
    learner_reference: Reference
    programme: SoNumber
    school: InstitutionNumber
    subregion: Subregion | None = None
    age_band: AgeBand
    days: Weekdays = ()
    """Days at the workplace; empty: any."""
    max_distance_km: Annotated[int, Field(ge=1, le=200)] | None = None
    needs_public_transport: bool = False
    needs_accessible_place: bool = False
    language: Language
    started_on: date


@event("be.duaalwest.partner.WorkplaceRegistered.v1", topic=EVENTS, key="reference")
class WorkplaceRegistered(Event):
    """A company offers a workplace for one programme; the same reference again says how it is now."""

    reference: Reference
    """Of the workplace."""
    programme: SoNumber
    recognition: Recognition
    recognised_until: date | None = None
    joint_committee: JointCommitteeNumber | None = None
    open_positions: Annotated[int, Field(ge=0, le=500)]
    nis: NisCode
    """The municipality where the learner would work."""
    days: Weekdays = ()
    """Days on which a learner is welcome; empty: any."""
    public_transport: bool | None = None
    accessible: bool | None = None
    languages: Annotated[tuple[Language, ...], Field(max_length=4)] = ()
    had_learner_before: bool | None = None
    registered_on: date


@event("be.duaalwest.partner.ProgrammatieSubmitted.v1", topic=EVENTS, key="reference")
class ProgrammatieSubmitted(Event):
    """A school submitted an application for a dual programme to AGODI."""

    reference: Reference
    """Of the application."""
    institution: InstitutionNumber
    site: Code
    programme: SoNumber
    school_year: SchoolYear
    """The first school year of the programme."""
    agodi_reference: Code
    submitted_on: date


@event("be.duaalwest.partner.ReferralAcknowledged.v1", topic=EVENTS, key="reference")
class ReferralAcknowledged(Event):
    """The partner took note of a referral and will act on it."""

    reference: Reference
    """Of the partner's own file; use one for all you tell of a referral, because it keeps their order."""
    referral_id: ReferralId
    """Ours, from ReferralCreated."""
    acknowledged_on: date


@event("be.duaalwest.partner.ReferralProgressed.v1", topic=EVENTS, key="reference")
class ReferralProgressed(Event):
    """The partner had contact about a referral and is at work."""

    reference: Reference
    referral_id: ReferralId
    progressed_on: date


@event("be.duaalwest.partner.ReferralClosed.v1", topic=EVENTS, key="reference")
class ReferralClosed(Event):
    """The partner is done with a referral."""

    reference: Reference
    referral_id: ReferralId
    outcome: ReferralOutcome
    closed_on: date


@event("be.duaalwest.partner.AgreementRegistered.v1", topic=EVENTS, key="reference")
class AgreementRegistered(Event):
    """Learner, company and school signed an agreement, and it stands in the register."""

    reference: Reference
    """Of the agreement."""
    learner_reference: Reference
    workplace_reference: Reference
    proposal_id: ProposalId | None = None
    """Ours, when the agreement follows from a MatchProposed."""
    form: AgreementForm
    programme: SoNumber
    school: InstitutionNumber
    starts_on: date
    ends_on: date


@event("be.duaalwest.partner.AgreementEnded.v1", topic=EVENTS, key="reference")
class AgreementEnded(Event):
    """An agreement came to its end, or was ended."""

    reference: Reference
    """The same as in AgreementRegistered."""
    learner_reference: Reference
    reason: EndReason
    ended_on: date


@event("be.duaalwest.partner.MessageRejected.v1", topic=REJECTED, key="rejection_id")
class MessageRejected(Event):
    """The border did not take in a message of the partner; nothing of what it said is repeated."""

    rejection_id: UUID
    partner: Code
    reason: RejectionReason
    field: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}(\.[a-z0-9_]{1,40}){0,4}$")] | None = None
    """The attribute of the envelope or the field of the data that has to change."""
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    """Where the message stands on the partner's own topic."""
    message_id: UUID | None = None
    """Its `id`, when that is a UUID."""
    type: Annotated[str, Field(pattern=r"^be\.duaalwest\.partner\.[A-Za-z]{1,40}\.v[0-9]{1,3}$")] | None = None
    """Its type, when we know it."""
    rejected_at: AwareDatetime
