"""What intake does about each message that the border let in, and about one that it did not."""

from dataclasses import dataclass
from typing import Any

from chassis.handling import MessageContext, handles
from chassis.unit_of_work import UnitOfWork
from contracts import partner
from contracts.codelists.institutions import Institutions
from contracts.codelists.places import Places
from contracts.codelists.working_days import WorkingDays
from contracts.event import Event
from contracts.intake import AgreementReported, ProgrammatieReceived, ReferralFeedbackReceived
from contracts.vocabulary import (
    AgreementId,
    AgreementStatus,
    Channel,
    DossierId,
    LearnerId,
    ReferralProgress,
    WorkplaceId,
)
from services.intake.application.border import RejectMessage
from services.intake.application.checks import education_type_of, place_of, school_of
from services.intake.application.partner_messages import (
    PartnerAgreement,
    PartnerFeedback,
    PartnerMessage,
    PartnerProgrammatie,
    PartnerQuestion,
    PartnerRisk,
    PartnerSearch,
    PartnerWorkplace,
)
from services.intake.domain.case import Case, Question
from services.intake.domain.learner import Learner, Wishes
from services.intake.domain.policies import Policies
from services.intake.domain.report import Report
from services.intake.domain.triage import ChosenTopic
from services.intake.domain.workplace import Offer, Workplace


@dataclass
class PartnerHandlers:
    """Intake's handlers of what partners tell, and what they need besides their store."""

    policies: Policies
    working_days: WorkingDays
    institutions: Institutions
    places: Places

    @handles(RejectMessage)
    def reject_message(self, message: RejectMessage, uow: UnitOfWork, ctx: MessageContext) -> None:
        """What does not come in is answered, in words that repeat nothing of it."""
        uow.publish(
            partner.MessageRejected(
                rejection_id=ctx.new_id("rejection"),
                partner=message.partner,
                reason=message.refusal.reason,
                field=message.refusal.field,
                partition=message.partition,
                offset=message.offset,
                message_id=message.refusal.message_id,
                type=message.refusal.type,
                rejected_at=ctx.time,
            )
        )

    @handles(PartnerQuestion, loads={Case: "case_id"})
    def take_question(self, told: PartnerQuestion, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A question of a partner is a question; its words stay with the partner, who also chose the topics."""
        fact = told.fact
        case = uow.find(Case, told.case_id)
        if case is None:
            case = Case(told.case_id, fact.audience, fact.age_band, fact.language, fact.subregion, fact.received_at)
            uow.add(case)
        case.ask(
            Question(
                id=ctx.new_id("question"),
                channel=Channel.PARTNER,
                topics=tuple(ChosenTopic(topic, 0, (f"gekozen door {told.partner}",)) for topic in fact.topics),
                asked_at=fact.received_at,
                programme=fact.programme,
                joint_committee=fact.joint_committee,
                school_net=fact.school_net,
            )
        )

    @handles(PartnerRisk, loads={Learner: "learner_id"})
    def take_risk(self, told: PartnerRisk, uow: UnitOfWork, ctx: MessageContext) -> None:
        """What the signal means and who acts by when is ours to say; the days count from when the partner saw it."""
        fact = told.fact
        policy = self.policies.signal(fact.signal, ctx.today)
        due = self.working_days.after(fact.opened_on, policy.due_days)
        learner = self._learner(told, uow, ctx)
        learner.report_risk(told.risk_id, policy, fact.reported_by, fact.programme, fact.opened_on, due)

    @handles(PartnerSearch, loads={Learner: "learner_id"})
    def take_search(self, told: PartnerSearch, uow: UnitOfWork, ctx: MessageContext) -> None:
        """The search clock runs from the day on which the search started."""
        learner = self._learner(told, uow, ctx)
        clock = self.policies.clock(learner.education_type, ctx.today)
        learner.start_search(told.search_id, _wishes(told.fact), clock, told.fact.started_on)

    @handles(PartnerWorkplace, loads={Workplace: "workplace_id"})
    def take_workplace(self, told: PartnerWorkplace, uow: UnitOfWork, ctx: MessageContext) -> None:
        """The first time it is registered, after that it is told again."""
        place = place_of(told.fact.nis, self.places, ctx.today)
        offer = _offer(told)
        days_open = self.policies.days_open(ctx.today)
        if workplace := uow.find(Workplace, told.workplace_id):
            workplace.renew(place.nis, place.subregion, offer, ctx.today, days_open)
        else:
            id_ = told.workplace_id
            uow.add(Workplace.register(id_, None, place.nis, place.subregion, offer, ctx.today, days_open))

    @handles(PartnerProgrammatie, loads={Report: "dossier_id"})
    def take_programmatie(self, told: PartnerProgrammatie, uow: UnitOfWork, _: MessageContext) -> None:
        """Dossiers are pof's: it decides what this means for one."""
        fact = told.fact
        received = ProgrammatieReceived(
            dossier_id=DossierId(told.dossier_id),
            institution=fact.institution,
            site=fact.site,
            programme=fact.programme,
            school_year=fact.school_year,
            agodi_reference=fact.agodi_reference,
            submitted_on=fact.submitted_on,
            source=told.partner,
        )
        _report(uow, received)

    @handles(PartnerFeedback, loads={Report: "referral_id"})
    def take_feedback(self, told: PartnerFeedback, uow: UnitOfWork, _: MessageContext) -> None:
        """Referrals are referral's: it knows whether this partner was asked."""
        _report(uow, _feedback(told))

    @handles(PartnerAgreement, loads={Report: "agreement_id"})
    def take_agreement(self, told: PartnerAgreement, uow: UnitOfWork, _: MessageContext) -> None:
        """The register of agreements is elsewhere; this is what a partner saw of it."""
        _report(uow, _agreement(told))

    def _learner(self, told: PartnerRisk | PartnerSearch, uow: UnitOfWork, ctx: MessageContext) -> Learner:
        fact = told.fact
        school = school_of(fact.school, self.institutions, ctx.today)
        learner = uow.find(Learner, told.learner_id)
        if learner is None:
            type_ = education_type_of(school)
            learner = Learner(told.learner_id, told.learner_key, school.number, type_, fact.age_band, fact.subregion)
            uow.add(learner)
        else:
            learner.is_now(school.number, education_type_of(school), fact.age_band, fact.subregion)
        return learner


def _report(uow: UnitOfWork, fact: Event) -> None:
    report = uow.find(Report, fact.aggregate_id)
    if report is None:
        report = Report(fact.aggregate_id)
        uow.add(report)
    report.add(fact)


def _feedback(told: PartnerMessage[Any]) -> ReferralFeedbackReceived:
    match told.fact:
        case partner.ReferralAcknowledged() as fact:
            progress, happened_on, outcome = ReferralProgress.ACKNOWLEDGED, fact.acknowledged_on, None
        case partner.ReferralProgressed() as fact:
            progress, happened_on, outcome = ReferralProgress.PROGRESSED, fact.progressed_on, None
        case fact:
            progress, happened_on, outcome = ReferralProgress.CLOSED, fact.closed_on, fact.outcome
    return ReferralFeedbackReceived(
        referral_id=fact.referral_id, progress=progress, outcome=outcome, happened_on=happened_on, source=told.partner
    )


def _agreement(told: PartnerAgreement) -> AgreementReported:
    fact = told.fact
    agreement_id, learner_id = AgreementId(told.agreement_id), LearnerId(told.learner_id)
    if isinstance(fact, partner.AgreementEnded):
        return AgreementReported(
            agreement_id=agreement_id,
            learner_id=learner_id,
            status=AgreementStatus.ENDED,
            happened_on=fact.ended_on,
            reason=fact.reason,
            source=told.partner,
        )
    return AgreementReported(
        agreement_id=agreement_id,
        learner_id=learner_id,
        status=AgreementStatus.REGISTERED,
        happened_on=fact.starts_on,
        workplace_id=WorkplaceId(told.workplace_id) if told.workplace_id else None,
        proposal_id=fact.proposal_id,
        form=fact.form,
        programme=fact.programme,
        school=fact.school,
        ends_on=fact.ends_on,
        source=told.partner,
    )


def _wishes(fact: partner.LearnerSearchStarted) -> Wishes:
    return Wishes(
        programme=fact.programme,
        days=fact.days,
        max_distance_km=fact.max_distance_km,
        needs_public_transport=fact.needs_public_transport,
        needs_accessible_place=fact.needs_accessible_place,
        language=fact.language,
    )


def _offer(told: PartnerWorkplace) -> Offer:
    fact = told.fact
    return Offer(
        programme=fact.programme,
        recognition=fact.recognition,
        recognised_until=fact.recognised_until,
        joint_committee=fact.joint_committee,
        open_positions=fact.open_positions,
        days=fact.days,
        public_transport=fact.public_transport,
        accessible=fact.accessible,
        languages=fact.languages,
        had_learner_before=fact.had_learner_before,
        registered_on=fact.registered_on,
        source=told.partner,
    )
