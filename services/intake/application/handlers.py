"""What intake does for each command."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from chassis.handling import Forbidden, MessageContext, NotFound, Refused, by, handles
from chassis.unit_of_work import UnitOfWork
from contracts.codelists import CodeLists
from contracts.codelists.working_days import WorkingDays
from services.intake.application.checks import (
    check_joint_committee,
    check_programme,
    education_type_of,
    enterprise_number_of,
    place_in_province,
    school_of,
    subregion_of,
)
from services.intake.application.commands import (
    AboutLearner,
    AskQuestion,
    Contact,
    LinkReceipt,
    MakeLink,
    QuestionReceipt,
    Reason,
    RegisterWorkplace,
    ReportRisk,
    RiskReceipt,
    SearchReceipt,
    StartSearch,
    WithdrawCase,
    WithdrawReceipt,
    WorkplaceReceipt,
)
from services.intake.application.ports import Redactor
from services.intake.domain.case import Case, Question
from services.intake.domain.learner import Learner, Wishes
from services.intake.domain.link import CaseLink
from services.intake.domain.policies import Policies
from services.intake.domain.triage import Triage
from services.intake.domain.vault import VaultEntry
from services.intake.domain.workplace import Offer, Workplace

UNKNOWN_CASE = "Dit dossier kennen we niet."


@dataclass
class Handlers:
    """Intake's handlers, and what they need besides their store."""

    triage: Triage
    policies: Policies
    working_days: WorkingDays
    redact: Redactor
    code_lists: CodeLists

    @handles(AskQuestion, loads={Case: "case_id"})
    def ask_question(self, command: AskQuestion, uow: UnitOfWork, ctx: MessageContext) -> QuestionReceipt:
        """A question opens a case or joins one; its text is stored in the vault, its topics are published."""
        today = ctx.today
        check_programme(command.programme, self.code_lists.programmes, today)
        check_joint_committee(command.joint_committee, self.code_lists.joint_committees)
        text = self.redact(command.text)
        topics = self.triage.topics_of(text.text, command.audience, today)
        days = self.policies.first_contact_days((one.topic for one in topics), today)
        question = Question(
            id=ctx.new_id("question"),
            channel=command.channel,
            topics=topics,
            asked_at=ctx.time,
            due_on=self.working_days.after(today, days),
            programme=command.programme,
            joint_committee=command.joint_committee,
            school_net=school_of(command.school, self.code_lists.institutions, today).net if command.school else None,
        )
        case = self._case(command, question, uow, ctx)
        case.ask(question, today)
        removed = self._keep(question.id, command.contact, uow, ctx, words=command.text)
        reasons = tuple(Reason(topic=topic.topic, because=topic.because) for topic in topics)
        return QuestionReceipt(
            case_id=case.id,
            question_id=question.id,
            triage=reasons,
            numbers_removed=removed,
            due_on=question.due_on,
        )

    @handles(WithdrawCase, loads={Case: "case_id"})
    def withdraw_case(self, command: WithdrawCase, uow: UnitOfWork, ctx: MessageContext) -> WithdrawReceipt:
        """A case that is withdrawn needs no answer; to withdraw it again changes nothing."""
        case = uow.find(Case, command.case_id)
        if case is None:
            raise NotFound(UNKNOWN_CASE)
        case.withdraw(ctx.today)
        return WithdrawReceipt(case_id=case.id)

    @handles(MakeLink, loads={Case: "case_id"})
    def make_link(self, command: MakeLink, uow: UnitOfWork, ctx: MessageContext) -> LinkReceipt:
        """A case may have several links: a mail brings its own, because the token of the first is not stored."""
        case = uow.find(Case, command.case_id)
        if case is None:
            raise NotFound(UNKNOWN_CASE)
        link = self._make_link(command.link, case, uow, ctx)
        return LinkReceipt(case_id=case.id, expires_on=link.expires_on)

    @handles(ReportRisk, loads={Learner: by("school_reference")})
    def report_risk(self, command: ReportRisk, uow: UnitOfWork, ctx: MessageContext) -> RiskReceipt:
        """A risk signal gets an owner, and a day by which the owner has to act."""
        check_programme(command.programme, self.code_lists.programmes, ctx.today)
        policy = self.policies.signal(command.signal, ctx.today)
        learner = self._learner(command, uow, ctx)
        due = self.working_days.after(ctx.today, policy.due_days)
        risk_id = ctx.new_id("risk")
        learner.report_risk(risk_id, policy, command.reported_by, command.programme, ctx.today, due)
        return RiskReceipt(learner_id=learner.id, risk_id=risk_id, due_on=due)

    @handles(StartSearch, loads={Learner: by("school_reference")})
    def start_search(self, command: StartSearch, uow: UnitOfWork, ctx: MessageContext) -> SearchReceipt:
        """A learner starts to look for a workplace; the search clock runs from today."""
        check_programme(command.programme, self.code_lists.programmes, ctx.today)
        learner = self._learner(command, uow, ctx)
        clock = self.policies.clock(learner.education_type, ctx.today)
        search_id = ctx.new_id("search")
        learner.start_search(search_id, _wishes(command), clock, ctx.today)
        return SearchReceipt(learner_id=learner.id, search_id=search_id, clock_days=clock.base_days)

    @handles(RegisterWorkplace)
    def register_workplace(self, command: RegisterWorkplace, uow: UnitOfWork, ctx: MessageContext) -> WorkplaceReceipt:
        """A company offers a workplace; its contact person is stored in the vault only."""
        check_programme(command.programme, self.code_lists.programmes, ctx.today)
        check_joint_committee(command.joint_committee, self.code_lists.joint_committees)
        number = enterprise_number_of(command.enterprise_number)
        place = place_in_province(command.postal_code, command.municipality, self.code_lists.places, ctx.today)
        id_ = ctx.new_id("workplace")
        days_open = self.policies.days_open(ctx.today)
        offer = _offer(command, ctx.today)
        workplace = Workplace.register(id_, number, place.nis, place.subregion, offer, ctx.today, days_open)
        uow.add(workplace)
        self._keep(id_, command.contact, uow, ctx, organisation=command.company)
        return WorkplaceReceipt(workplace_id=id_, expires_on=workplace.expires_on)

    def _case(self, command: AskQuestion, question: Question, uow: UnitOfWork, ctx: MessageContext) -> Case:
        """The case that the question joins, or a new one."""
        if command.case_id is None:
            return self._new_case(command, question, uow, ctx)
        found = uow.find(Case, command.case_id)
        if found is None:
            raise Refused("case_id", "Dit dossier kennen we niet. Laat het veld leeg voor een nieuwe vraag.")
        if command.link:
            raise Refused("link", "Een link hoort bij een nieuwe vraag. Laat het veld leeg bij een bestaand dossier.")
        return found

    def _new_case(self, command: AskQuestion, question: Question, uow: UnitOfWork, ctx: MessageContext) -> Case:
        case = Case(
            id=ctx.new_id("case"),
            audience=command.audience,
            age_band=command.age_band,
            language=command.language,
            subregion=subregion_of(command.postal_code, command.municipality, self.code_lists.places, ctx.today),
            opened_at=ctx.time,
            due_on=question.due_on,
        )
        uow.add(case)
        if command.link:
            self._make_link(command.link, case, uow, ctx)
        return case

    def _make_link(self, token_hash: str, case: Case, uow: UnitOfWork, ctx: MessageContext) -> CaseLink:
        days = self.policies.link_days(ctx.today)
        link = CaseLink.make(ctx.new_id("link"), case.id, token_hash, ctx.today, days)
        uow.add(link)
        return link

    def _learner(self, command: AboutLearner, uow: UnitOfWork, ctx: MessageContext) -> Learner:
        if not ctx.actor.may_act_for(command.school):
            raise Forbidden("Uw account hoort bij een andere school. U kunt alleen voor uw eigen school iets melden.")
        if self.redact(command.reference).removed:
            raise Refused("reference", "Gebruik geen rijksregisternummer, maar de eigen code van de school.")
        for learner in uow.all(Learner, school_reference=command.school_reference):
            return learner
        school = school_of(command.school, self.code_lists.institutions, ctx.today)
        learner = Learner(
            id=ctx.new_id("learner"),
            school_reference=command.school_reference,
            school=school.number,
            education_type=education_type_of(school),
            age_band=command.age_band,
            subregion=subregion_of(command.postal_code, None, self.code_lists.places, ctx.today),
        )
        uow.add(learner)
        return learner

    def _keep(
        self,
        id_: UUID,
        contact: Contact,
        uow: UnitOfWork,
        ctx: MessageContext,
        *,
        words: str | None = None,
        organisation: str | None = None,
    ) -> int:
        """Store in the vault, without national numbers; returns how many of those were removed."""
        redacted = [self.redact(text or "") for text in (contact.name, words, organisation)]
        removed = sum(one.removed for one in redacted)
        name, words, organisation = (one.text or None for one in redacted)
        uow.add(
            VaultEntry(
                id=id_,
                kept_at=ctx.time,
                person=name,
                email=contact.email,
                phone=contact.phone,
                organisation=organisation,
                words=words,
                numbers_removed=removed,
            )
        )
        return removed


def _wishes(command: StartSearch) -> Wishes:
    return Wishes(
        programme=command.programme,
        days=command.days,
        max_distance_km=command.max_distance_km,
        needs_public_transport=command.needs_public_transport,
        needs_accessible_place=command.needs_accessible_place,
        language=command.language,
    )


def _offer(command: RegisterWorkplace, on: date) -> Offer:
    return Offer(
        programme=command.programme,
        recognition=command.recognition,
        recognised_until=command.recognised_until,
        joint_committee=command.joint_committee,
        open_positions=command.open_positions,
        days=command.days,
        public_transport=command.public_transport,
        accessible=command.accessible,
        languages=command.languages,
        had_learner_before=command.had_learner_before,
        registered_on=on,
    )
