"""Which organisations get which letter for an event, and the little that it may say."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from contracts.intake import LearnerAtRisk
from contracts.matching import MatchProposed, Reason
from contracts.pof import ProgrammatieSubmitted
from contracts.referral import ReferralCreated
from contracts.vocabulary import Severity, known

STEUNPUNT = "steunpunt"
POF_SECRETARIAT = "pof-secretariaat"
SMALLEST_GROUP = 5
"""A number of learners below this is not shown to anybody, so it is not kept either."""

Parameters = tuple[tuple[str, str], ...]
"""Codes, dates, numbers and ids by name: what a template may use. Never personal data; what is absent is left out."""


class Template(StrEnum):
    """The kinds of letter."""

    REFERRAL = "referral"
    MATCH = "match"
    RISK = "risk"
    PROGRAMMATIE = "programmatie"


@dataclass(frozen=True, slots=True)
class Letter:
    """What has to be told to whom, before it is one message per recipient."""

    template: Template
    about: UUID
    recipients: tuple[str, ...]
    parameters: Parameters


def about_referral(event: ReferralCreated) -> Letter:
    """The partner's service is told what we ask of it."""
    return Letter(
        Template.REFERRAL,
        event.referral_id,
        (event.service_id,),
        _parameters(
            kind=known(event.kind),
            topic=known(event.topic),
            audience=known(event.audience),
            subregion=known(event.subregion),
            case_id=event.case_id,
            risk_id=event.risk_id,
            due_on=event.due_on,
        ),
    )


def about_match(event: MatchProposed) -> Letter:
    """The school is told, because its trajectbegeleider decides."""
    return Letter(
        Template.MATCH,
        event.proposal_id,
        (event.school,),
        _parameters(
            school=event.school,
            search_id=event.search_id,
            programme=event.programme,
            subregion=known(event.subregion),
            distance_km=event.distance_km,
            score=event.score,
            holds=_criteria(reason for reason in event.reasons if reason.known and reason.matched),
            fails=_criteria(reason for reason in event.reasons if reason.known and not reason.matched),
            unsure=_criteria(reason for reason in event.reasons if not reason.known),
            recognition="pending" if event.recognition_pending else None,
            expires_on=event.expires_on,
        ),
    )


def about_risk(event: LearnerAtRisk) -> Letter:
    """The school is told; the Steunpunt too when it is urgent."""
    return Letter(
        Template.RISK,
        event.risk_id,
        (event.school, STEUNPUNT) if event.severity is Severity.RED else (event.school,),
        _parameters(
            school=event.school,
            signal=known(event.signal),
            severity=known(event.severity),
            owner=known(event.owner),
            programme=event.programme,
            subregion=known(event.subregion),
            opened_on=event.opened_on,
            due_on=event.due_on,
        ),
    )


def about_programmatie(event: ProgrammatieSubmitted) -> Letter:
    """The secretariat of the overlegforum and the institution are told the same."""
    evidence = event.evidence
    return Letter(
        Template.PROGRAMMATIE,
        event.dossier_id,
        (POF_SECRETARIAT, event.institution),
        _parameters(
            school=event.institution,
            site=event.site,
            programme=event.programme,
            subregion=known(event.subregion),
            school_year=event.school_year,
            agodi_reference=event.agodi_reference,
            submitted_on=event.submitted_on,
            deadline=event.deadline,
            deadline_kept=None if event.deadline_kept is None else _yes_or_no(event.deadline_kept),
            counted_on=evidence.counted_on,
            workplaces=evidence.workplaces_registered,
            positions=evidence.open_positions,
            learners=evidence.learners_searching if evidence.learners_searching >= SMALLEST_GROUP else None,
        ),
    )


def _parameters(**values: object) -> Parameters:
    return tuple((name, str(value)) for name, value in values.items() if value is not None)


def _criteria(reasons: Iterable[Reason]) -> str | None:
    """Their codes on one line; None when there are none."""
    return " ".join(criterion for reason in reasons if (criterion := known(reason.criterion))) or None


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"
