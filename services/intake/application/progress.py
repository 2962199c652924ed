"""How far a case is, for the person who asked: what happens next, who does it, and by when."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from chassis.handling import BRUSSELS
from contracts.vocabulary import ReferralKind, ReferralOutcome
from services.intake.application.queries import CaseView
from services.intake.domain.case import CaseStatus

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
    """What happens next."""

    stage: Stage
    due_on: date
    """Day by which the next step is due."""
    service_id: str | None = None
    """The partner, when one has it."""
    is_urgent: bool = False
    """Does somebody have to be there the same day? Then the person is told whom to call meanwhile."""


def progress_of(case: CaseView) -> Progress:
    """How far the newest referral of a case is, or the case itself when there is none."""
    is_urgent = any(one.due_on <= one.asked_at.astimezone(BRUSSELS).date() for one in case.questions)
    return replace(_progress_of(case), is_urgent=is_urgent)


def _progress_of(case: CaseView) -> Progress:
    if case.status is CaseStatus.WITHDRAWN:
        return Progress(Stage.WITHDRAWN, case.due_on)
    newest = case.referrals[0] if case.referrals else None
    if newest is None:
        return Progress(Stage.RECEIVED, case.due_on)
    if newest.service_id == STEUNPUNT or newest.kind in (ReferralKind.ANSWER, ReferralKind.CONSULT):
        return Progress(Stage.OURS, case.due_on)
    if newest.closed_on:
        stage = Stage.HELPED if newest.outcome is ReferralOutcome.HELPED else Stage.ENDED
        return Progress(stage, newest.due_on, newest.service_id)
    if newest.acknowledged_on:
        return Progress(Stage.TAKEN_UP, newest.due_on, newest.service_id)
    stage = Stage.ADVISED if newest.kind is ReferralKind.INFO else Stage.ASKED
    return Progress(stage, newest.due_on, newest.service_id)
