"""How far a case is, for the person who asked: what happens next, who does it, and by when."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from chassis.handling import BRUSSELS
from contracts.vocabulary import ReferralKind, ReferralOutcome
from services.intake.application.queries import CaseView, QuestionView, ReferralView
from services.intake.domain.case import CaseStatus
from services.intake.domain.policies import Policies

STEUNPUNT = "steunpunt"
"""The service of the directory that is ourselves."""


class Stage(StrEnum):
    """How far it is."""

    RECEIVED = "received"
    """nobody was asked yet"""
    OURS = "ours"
    """the Steunpunt answers"""
    ASKED = "asked"
    """a partner was asked to make contact"""
    TAKEN_UP = "taken-up"
    """the partner took note"""
    ADVISED = "advised"
    """the person can best ask the partner; a colleague tells how"""
    HELPED = "helped"
    """the partner says that it helped"""
    ENDED = "ended"
    """the partner is done, without having helped"""
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Progress:
    """What happens next with one question."""

    question_id: UUID
    stage: Stage
    due_on: date
    """Day by which the next step is due."""
    service_id: str | None = None
    """The partner, when one has it."""


def progress_of(case: CaseView) -> list[Progress]:
    """How far each question is, by its newest referral; the newest question first.

    Each has its own: who adds something still sees which partner has the first question.
    """
    if case.status is CaseStatus.WITHDRAWN:
        return [Progress(case.questions[-1].id, Stage.WITHDRAWN, case.due_on)]
    return [_progress_of(question, case) for question in reversed(case.questions)]


def _progress_of(question: QuestionView, case: CaseView) -> Progress:
    newest = next((one for one in case.referrals if one.question_id == question.id), None)
    if newest is None:
        return Progress(question.id, Stage.RECEIVED, question.due_on)
    if newest.service_id == STEUNPUNT or newest.kind in (ReferralKind.ANSWER, ReferralKind.CONSULT):
        return Progress(question.id, Stage.OURS, question.due_on)
    return Progress(question.id, _stage_at_partner(newest), newest.due_on, newest.service_id)


def _stage_at_partner(referral: ReferralView) -> Stage:
    if referral.outcome is ReferralOutcome.DECLINED:
        return Stage.WITHDRAWN
    if referral.closed_on:
        return Stage.HELPED if referral.outcome is ReferralOutcome.HELPED else Stage.ENDED
    if referral.acknowledged_on:
        return Stage.TAKEN_UP
    return Stage.ADVISED if referral.kind is ReferralKind.INFO else Stage.ASKED


def is_urgent(case: CaseView, policies: Policies) -> bool:
    """Has somebody to be there the same day? Then the person is told whom to call meanwhile, also at a weekend."""
    return any(
        policies.first_contact_days((one.topic for one in question.topics), _day(question.asked_at)) == 0
        for question in case.questions
    )


def _day(at: datetime) -> date:
    return at.astimezone(BRUSSELS).date()
