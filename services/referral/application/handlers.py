"""What referral does for each event."""

from dataclasses import dataclass

from chassis.handling import MessageContext, by, handles
from chassis.unit_of_work import UnitOfWork
from contracts.codelists.working_days import WorkingDays
from contracts.intake import CaseClosed, LearnerAtRisk, QuestionReceived, ReferralFeedbackReceived
from contracts.vocabulary import CaseOutcome
from services.referral.domain.directory import Directory, Enquiry
from services.referral.domain.referral import Referral


@dataclass
class Handlers:
    """Referral's handlers, and what they need besides their store."""

    directory: Directory
    working_days: WorkingDays

    @handles(QuestionReceived)
    def refer_question(self, event: QuestionReceived, uow: UnitOfWork, ctx: MessageContext) -> None:
        """Every question gets exactly one referral, by its first topic."""
        today = ctx.today
        rule = self.directory.rule_for(Enquiry.of_question(event), on=today)
        due = self.working_days.after(today, rule.sla_days)
        uow.add(Referral.of_question(ctx.new_id("referral"), event, rule, today, due))

    @handles(LearnerAtRisk)
    def refer_risk(self, event: LearnerAtRisk, uow: UnitOfWork, ctx: MessageContext) -> None:
        """Every risk signal gets exactly one referral, by the topic of the signal, with the due date of the risk."""
        today = ctx.today
        topic = self.directory.topic_of(event.signal, on=today)
        rule = self.directory.rule_for(Enquiry.of_risk(event, topic), on=today)
        sla_days = self.working_days.between(event.opened_on, event.due_on)
        uow.add(Referral.of_risk(ctx.new_id("referral"), event, rule, sla_days, today))

    @handles(ReferralFeedbackReceived, loads={Referral: "referral_id"})
    def record_feedback(self, event: ReferralFeedbackReceived, uow: UnitOfWork, ctx: MessageContext) -> None:
        """Feedback counts from a partner that operates the service of the referral; other feedback is ignored."""
        referral = uow.find(Referral, event.referral_id)
        if referral and self.directory.operates(event.source, referral.service_id, on=ctx.today):
            referral.record_feedback(event.progress, event.happened_on, event.outcome)

    @handles(CaseClosed, loads={Referral: by("case_id")})
    def close_referrals(self, event: CaseClosed, uow: UnitOfWork, _: MessageContext) -> None:
        """Of a case that was withdrawn, no partner has to help any more."""
        if event.outcome is CaseOutcome.WITHDRAWN:
            for referral in uow.all(Referral, case_id=event.case_id):
                referral.decline(event.closed_on)
