"""A referral (doorverwijzing): which service is asked to help with a question or a risk, by which rule, by when."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from contracts.event import Event
from contracts.intake import LearnerAtRisk, QuestionReceived
from contracts.referral import ReferralAcknowledged, ReferralClosed, ReferralCreated
from contracts.vocabulary import (
    Audience,
    CaseId,
    LearnerId,
    QuestionId,
    ReferralId,
    ReferralKind,
    ReferralOutcome,
    ReferralProgress,
    RiskId,
    Subregion,
    Topic,
    known,
)
from services.referral.domain.directory import Rule


@dataclass
class Referral:
    """One question or risk, referred to one service."""

    id: UUID
    topic: Topic
    kind: ReferralKind
    service_id: str
    next_service_id: str | None
    rule_id: str
    rule_version: str
    sla_days: int
    due_on: date
    opened_on: date
    audience: Audience | None = None
    subregion: Subregion | None = None
    case_id: UUID | None = None
    question_id: UUID | None = None
    learner_id: UUID | None = None
    risk_id: UUID | None = None
    acknowledged_on: date | None = None
    progressed_on: date | None = None
    closed_on: date | None = None
    outcome: ReferralOutcome | None = None
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    @classmethod
    def of_question(cls, id_: UUID, event: QuestionReceived, rule: Rule, opened_on: date, due_on: date) -> "Referral":
        """Refer a question."""
        referral = cls._by_rule(id_, rule, rule.sla_days, opened_on, due_on)
        referral.audience = known(event.audience)
        referral.subregion = known(event.subregion)
        referral.case_id, referral.question_id = event.case_id, event.question_id
        return referral._opened()

    @classmethod
    def of_risk(cls, id_: UUID, event: LearnerAtRisk, rule: Rule, sla_days: int, opened_on: date) -> "Referral":
        """Refer a learner who may drop out; the due date is that of the risk, not of the rule."""
        referral = cls._by_rule(id_, rule, sla_days, opened_on, event.due_on)
        referral.subregion = known(event.subregion)
        referral.learner_id, referral.risk_id = event.learner_id, event.risk_id
        return referral._opened()

    @classmethod
    def _by_rule(cls, id_: UUID, rule: Rule, sla_days: int, opened_on: date, due_on: date) -> "Referral":
        return cls(
            id=id_,
            topic=rule.topic,
            kind=rule.kind,
            service_id=rule.service_id,
            next_service_id=rule.then_service_id,
            rule_id=rule.rule_id,
            rule_version=rule.version,
            sla_days=sla_days,
            due_on=due_on,
            opened_on=opened_on,
        )

    def _opened(self) -> "Referral":
        self.pending_events.append(
            ReferralCreated(
                referral_id=ReferralId(self.id),
                case_id=self.case_id and CaseId(self.case_id),
                question_id=self.question_id and QuestionId(self.question_id),
                learner_id=self.learner_id and LearnerId(self.learner_id),
                risk_id=self.risk_id and RiskId(self.risk_id),
                topic=self.topic,
                audience=self.audience,
                subregion=self.subregion,
                kind=self.kind,
                service_id=self.service_id,
                next_service_id=self.next_service_id,
                rule_id=self.rule_id,
                rule_version=self.rule_version,
                sla_days=self.sla_days,
                due_on=self.due_on,
            )
        )
        return self

    def record_feedback(self, progress: ReferralProgress, on: date, outcome: ReferralOutcome | None) -> None:
        """Record feedback of the partner; after the referral is closed it changes nothing."""
        if self.closed_on:
            return
        match progress:
            case ReferralProgress.ACKNOWLEDGED:
                self._acknowledge(on)
            case ReferralProgress.PROGRESSED:
                self._acknowledge(on)
                self.progressed_on = on
            case ReferralProgress.CLOSED:
                self._close(on, known(outcome))

    def decline(self, on: date) -> None:
        """The person does not want to be helped; a referral that is closed stays as it is."""
        if self.closed_on is None:
            self._close(on, ReferralOutcome.DECLINED)

    def _acknowledge(self, on: date) -> None:
        if self.acknowledged_on is None:
            self.acknowledged_on = on
            self.pending_events.append(
                ReferralAcknowledged(
                    referral_id=ReferralId(self.id),
                    service_id=self.service_id,
                    acknowledged_on=on,
                    in_time=on <= self.due_on,
                )
            )

    def _close(self, on: date, outcome: ReferralOutcome | None) -> None:
        self.closed_on, self.outcome = on, outcome
        self.pending_events.append(
            ReferralClosed(referral_id=ReferralId(self.id), service_id=self.service_id, outcome=outcome, closed_on=on)
        )
