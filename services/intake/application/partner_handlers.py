"""What intake does for each partner message that the border accepted, and for one that it refused."""

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
    """The handlers of partner messages, and what they need besides the store."""

    policies: Policies
    working_days: WorkingDays
    institutions: Institutions
    places: Places

    @handles(RejectMessage)
    def reject_message(self, message: RejectMessage, uow: UnitOfWork, ctx: MessageContext) -> None:
        """Publish a rejection to the partner. It repeats nothing of the message, which may hold personal data."""
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
    def take_question(self, message: PartnerQuestion, uow: UnitOfWork, ctx: MessageContext) -> None:
        """The partner chose the topics, and keeps the text of the question itself."""
        event = message.event
        days = self.policies.first_contact_days(event.topics, ctx.today)
        question = Question(
            id=ctx.new_id("question"),
            channel=Channel.PARTNER,
            topics=tuple(ChosenTopic(topic, 0, (f"gekozen door {message.partner}",)) for topic in event.topics),
            asked_at=event.received_at,
            due_on=self.working_days.after(ctx.today, days),
            programme=event.programme,
            joint_committee=event.joint_committee,
            school_net=event.school_net,
        )
        case = uow.find(Case, message.case_id)
        if case is None:
            case = Case(
                id=message.case_id,
                audience=event.audience,
                age_band=event.age_band,
                language=event.language,
                subregion=event.subregion,
                opened_at=event.received_at,
                due_on=question.due_on,
            )
            uow.add(case)
        case.ask(question, ctx.today)

    @handles(PartnerRisk, loads={Learner: "learner_id"})
    def take_risk(self, message: PartnerRisk, uow: UnitOfWork, ctx: MessageContext) -> None:
        """Our policies decide the owner and the due date, counted from the day on which the partner saw the risk."""
        event = message.event
        policy = self.policies.signal(event.signal, ctx.today)
        due = self.working_days.after(event.opened_on, policy.due_days)
        learner = self._learner(message, uow, ctx)
        learner.report_risk(message.risk_id, policy, event.reported_by, event.programme, event.opened_on, due)

    @handles(PartnerSearch, loads={Learner: "learner_id"})
    def take_search(self, message: PartnerSearch, uow: UnitOfWork, ctx: MessageContext) -> None:
        """The search clock runs from the day on which the search started."""
        learner = self._learner(message, uow, ctx)
        clock = self.policies.clock(learner.education_type, ctx.today)
        learner.start_search(message.search_id, _wishes(message.event), clock, message.event.started_on)

    @handles(PartnerWorkplace, loads={Workplace: "workplace_id"})
    def take_workplace(self, message: PartnerWorkplace, uow: UnitOfWork, ctx: MessageContext) -> None:
        """Register the workplace the first time; a later message with the same reference updates it."""
        place = place_of(message.event.nis, self.places, ctx.today)
        offer = _offer(message)
        days_open = self.policies.days_open(ctx.today)
        if workplace := uow.find(Workplace, message.workplace_id):
            workplace.renew(place.nis, place.subregion, offer, ctx.today, days_open)
        else:
            id_ = message.workplace_id
            uow.add(Workplace.register(id_, None, place.nis, place.subregion, offer, ctx.today, days_open))

    @handles(PartnerProgrammatie, loads={Report: "dossier_id"})
    def take_programmatie(self, message: PartnerProgrammatie, uow: UnitOfWork, _: MessageContext) -> None:
        """Pof owns the dossiers: it decides what this application means for one."""
        event = message.event
        received = ProgrammatieReceived(
            dossier_id=DossierId(message.dossier_id),
            institution=event.institution,
            site=event.site,
            programme=event.programme,
            school_year=event.school_year,
            agodi_reference=event.agodi_reference,
            submitted_on=event.submitted_on,
            source=message.partner,
        )
        _report(uow, received)

    @handles(PartnerFeedback, loads={Report: "referral_id"})
    def take_feedback(self, message: PartnerFeedback, uow: UnitOfWork, _: MessageContext) -> None:
        """Referral owns the referrals: it decides whether feedback of this partner counts."""
        _report(uow, _feedback(message))

    @handles(PartnerAgreement, loads={Report: "agreement_id"})
    def take_agreement(self, message: PartnerAgreement, uow: UnitOfWork, _: MessageContext) -> None:
        """Publish what the partner reports of an agreement; the register of agreements is not ours."""
        _report(uow, _agreement(message))

    def _learner(self, message: PartnerRisk | PartnerSearch, uow: UnitOfWork, ctx: MessageContext) -> Learner:
        event = message.event
        school = school_of(event.school, self.institutions, ctx.today)
        learner = uow.find(Learner, message.learner_id)
        if learner is None:
            type_ = education_type_of(school)
            learner = Learner(
                message.learner_id, message.learner_key, school.number, type_, event.age_band, event.subregion
            )
            uow.add(learner)
        else:
            learner.update(school.number, education_type_of(school), event.age_band, event.subregion)
        return learner


def _report(uow: UnitOfWork, event: Event) -> None:
    report = uow.find(Report, event.aggregate_id)
    if report is None:
        report = Report(event.aggregate_id)
        uow.add(report)
    report.add(event)


def _feedback(message: PartnerMessage[Any]) -> ReferralFeedbackReceived:
    match message.event:
        case partner.ReferralAcknowledged() as event:
            progress, happened_on, outcome = ReferralProgress.ACKNOWLEDGED, event.acknowledged_on, None
        case partner.ReferralProgressed() as event:
            progress, happened_on, outcome = ReferralProgress.PROGRESSED, event.progressed_on, None
        case event:
            progress, happened_on, outcome = ReferralProgress.CLOSED, event.closed_on, event.outcome
    return ReferralFeedbackReceived(
        referral_id=event.referral_id,
        progress=progress,
        outcome=outcome,
        happened_on=happened_on,
        source=message.partner,
    )


def _agreement(message: PartnerAgreement) -> AgreementReported:
    event = message.event
    agreement_id, learner_id = AgreementId(message.agreement_id), LearnerId(message.learner_id)
    if isinstance(event, partner.AgreementEnded):
        return AgreementReported(
            agreement_id=agreement_id,
            learner_id=learner_id,
            status=AgreementStatus.ENDED,
            happened_on=event.ended_on,
            reason=event.reason,
            source=message.partner,
        )
    return AgreementReported(
        agreement_id=agreement_id,
        learner_id=learner_id,
        status=AgreementStatus.REGISTERED,
        happened_on=event.starts_on,
        workplace_id=WorkplaceId(message.workplace_id) if message.workplace_id else None,
        proposal_id=event.proposal_id,
        form=event.form,
        programme=event.programme,
        school=event.school,
        ends_on=event.ends_on,
        source=message.partner,
    )


def _wishes(event: partner.LearnerSearchStarted) -> Wishes:
    return Wishes(
        programme=event.programme,
        days=event.days,
        max_distance_km=event.max_distance_km,
        needs_public_transport=event.needs_public_transport,
        needs_accessible_place=event.needs_accessible_place,
        language=event.language,
    )


def _offer(message: PartnerWorkplace) -> Offer:
    event = message.event
    return Offer(
        programme=event.programme,
        recognition=event.recognition,
        recognised_until=event.recognised_until,
        joint_committee=event.joint_committee,
        open_positions=event.open_positions,
        days=event.days,
        public_transport=event.public_transport,
        accessible=event.accessible,
        languages=event.languages,
        had_learner_before=event.had_learner_before,
        registered_on=event.registered_on,
        source=message.partner,
    )
