"""Events with defaults, of which a test gives only what it is about."""

from datetime import date
from typing import Any
from uuid import uuid4

from chassis.testing.builders import NOON
from contracts.intake import LearnerAtRisk, LearnerSearchStarted, QuestionReceived, WorkplaceRegistered
from contracts.matching import MatchProposed, Reason
from contracts.notifications import MessageFailed, MessageSent
from contracts.pof import Evidence, ProgrammatieAnnounced, ProgrammatieSubmitted
from contracts.referral import ReferralCreated
from contracts.vocabulary import (
    AgeBand,
    Audience,
    Channel,
    Criterion,
    DeliveryFailure,
    EducationType,
    Language,
    Recognition,
    ReferralKind,
    RiskSignal,
    Role,
    Severity,
    Subregion,
    Topic,
)

MONDAY = date(2026, 11, 23)


def a_question(**given: Any) -> QuestionReceived:
    """A parent asked on the web what dual learning is."""
    return QuestionReceived(
        **{
            "case_id": uuid4(),
            "question_id": uuid4(),
            "channel": Channel.WEB,
            "audience": Audience.OUDER,
            "topics": (Topic.T01,),
            "age_band": AgeBand.NOT_GIVEN,
            "language": Language.NL,
            "received_at": NOON,
        }
        | given
    )


def a_learner_at_risk(**given: Any) -> LearnerAtRisk:
    """A school reported that an agreement ended early."""
    return LearnerAtRisk(
        **{
            "learner_id": uuid4(),
            "risk_id": uuid4(),
            "signal": RiskSignal.R2,
            "severity": Severity.RED,
            "reported_by": Role.TRAJECTBEGELEIDER,
            "owner": Role.TRAJECTBEGELEIDER,
            "opened_on": MONDAY,
            "due_on": date(2026, 11, 24),
            "school": "34074",
            "age_band": AgeBand.FROM_15_TO_17,
        }
        | given
    )


def a_learner_search(**given: Any) -> LearnerSearchStarted:
    """A learner of VTI Brugge started to look for a workplace in electrical installations (88)."""
    return LearnerSearchStarted(
        **{
            "learner_id": uuid4(),
            "search_id": uuid4(),
            "programme": "88",
            "school": "34074",
            "education_type": EducationType.GEWOON,
            "subregion": Subregion.BRUGGE,
            "age_band": AgeBand.FROM_15_TO_17,
            "language": Language.NL,
            "started_on": MONDAY,
            "clock_days": 20,
        }
        | given
    )


def a_workplace(**given: Any) -> WorkplaceRegistered:
    """A recognised company in Brugge has one place for electrical installations (88)."""
    return WorkplaceRegistered(
        **{
            "workplace_id": uuid4(),
            "programme": "88",
            "recognition": Recognition.ERKEND,
            "open_positions": 1,
            "nis": "31005",
            "subregion": Subregion.BRUGGE,
            "source": "company",
            "registered_on": MONDAY,
            "expires_on": date(2027, 2, 21),
        }
        | given
    )


def a_match(**given: Any) -> MatchProposed:
    """A proposal to VTI Brugge."""
    return MatchProposed(
        **{
            "learner_id": uuid4(),
            "proposal_id": uuid4(),
            "search_id": uuid4(),
            "workplace_id": uuid4(),
            "programme": "88",
            "school": "34074",
            "subregion": Subregion.BRUGGE,
            "score": 100,
            "reasons": (Reason(criterion=Criterion.DISTANCE, matched=True, known=True, weight=1),),
            "distance_km": 3.2,
            "recognition_pending": False,
            "rule_version": "2026-09-01",
            "proposed_on": MONDAY,
            "expires_on": date(2026, 12, 7),
        }
        | given
    )


def a_referral(**given: Any) -> ReferralCreated:
    """A parent's question was referred to the Steunpunt itself."""
    return ReferralCreated(
        **{
            "referral_id": uuid4(),
            "case_id": uuid4(),
            "question_id": uuid4(),
            "topic": Topic.T01,
            "audience": Audience.OUDER,
            "kind": ReferralKind.ANSWER,
            "service_id": "steunpunt",
            "rule_id": "T01",
            "rule_version": "2025-09-01",
            "sla_days": 2,
            "due_on": date(2026, 11, 25),
        }
        | given
    )


def a_message_sent(**given: Any) -> MessageSent:
    """A mail about a referral went out."""
    return MessageSent(
        **{
            "message_id": uuid4(),
            "template": "referral",
            "recipient": "steunpunt",
            "about": uuid4(),
            "attempts": 1,
            "sent_at": NOON,
        }
        | given
    )


def a_message_failed(**given: Any) -> MessageFailed:
    """A mail was refused."""
    return MessageFailed(
        **{
            "message_id": uuid4(),
            "template": "referral",
            "recipient": "steunpunt",
            "about": uuid4(),
            "attempts": 1,
            "reason": DeliveryFailure.REFUSED,
            "failed_at": NOON,
        }
        | given
    )


def some_evidence(**given: Any) -> Evidence:
    """Evidence in which nothing is registered yet."""
    return Evidence(
        **{"counted_on": MONDAY, "workplaces_registered": 0, "open_positions": 0, "learners_searching": 0} | given
    )


def an_announced_dossier(**given: Any) -> ProgrammatieAnnounced:
    """VTI Brugge wants to start electrical installations (88)."""
    return ProgrammatieAnnounced(
        **{
            "dossier_id": uuid4(),
            "institution": "34074",
            "site": "brugge-1",
            "programme": "88",
            "education_type": EducationType.GEWOON,
            "school_year": "2027-2028",
            "subregion": Subregion.BRUGGE,
            "evidence": some_evidence(),
            "announced_on": MONDAY,
        }
        | given
    )


def a_submitted_dossier(**given: Any) -> ProgrammatieSubmitted:
    """VTI Brugge submitted its application in time."""
    return ProgrammatieSubmitted(
        **{
            "dossier_id": uuid4(),
            "institution": "34074",
            "site": "brugge-1",
            "programme": "88",
            "education_type": EducationType.GEWOON,
            "school_year": "2027-2028",
            "subregion": Subregion.BRUGGE,
            "agodi_reference": "AGODI-2026-1",
            "submitted_on": MONDAY,
            "deadline": date(2026, 11, 30),
            "deadline_kept": True,
            "evidence": some_evidence(),
        }
        | given
    )
