"""Who gets which letter for an event, and which parameters it may hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from contracts.intake import LearnerAtRisk, QuestionReceived
from contracts.matching import MatchProposed, Reason
from contracts.pof import ProgrammatieSubmitted
from contracts.referral import ReferralCreated
from contracts.vocabulary import Severity, known

STEUNPUNT = "steunpunt"
POF_SECRETARIAT = "pof-secretariaat"
ASKER = "asker"
"""Who asked the question that a letter is about. Their address is not ours to keep: intake has it."""
SMALLEST_GROUP = 5
"""A number of learners below this is not shown, because it may identify one of them; so it is not stored either."""

Parameters = tuple[tuple[str, str], ...]
"""Codes, dates, numbers and ids that a template may use, by name. Never personal data; an absent value is left out."""


class Template(StrEnum):
    """The kinds of letter."""

    REFERRAL = "referral"
    MATCH = "match"
    RISK = "risk"
    PROGRAMMATIE = "programmatie"
    RECEIPT = "receipt"


@dataclass(frozen=True, slots=True)
class Letter:
    """The content of a mail with all its recipients, before it becomes one message per recipient."""

    template: Template
    about: UUID
    recipients: tuple[str, ...]
    parameters: Parameters


def about_referral(event: ReferralCreated) -> Letter:
    """The letter to the partner's service that is asked to help."""
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
    """The letter to the school, because its trajectbegeleider decides."""
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
    """The letter to the school, and when the risk is urgent to the Steunpunt too."""
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
    """The letter to the secretariat of the overlegforum and to the institution; both get the same text."""
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


def about_question(event: QuestionReceived) -> Letter:
    """The letter to who asked: we have the question, and this is the link to follow it."""
    return Letter(Template.RECEIPT, event.question_id, (ASKER,), _parameters(case_id=event.case_id))


def _parameters(**values: object) -> Parameters:
    return tuple((name, str(value)) for name, value in values.items() if value is not None)


def _criteria(reasons: Iterable[Reason]) -> str | None:
    """The codes of the criteria on one line; None when there are none."""
    return " ".join(criterion for reason in reasons if (criterion := known(reason.criterion))) or None


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"
