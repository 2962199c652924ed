"""What matching does for each event."""

from dataclasses import dataclass

from chassis.handling import MessageContext, by, handles
from chassis.unit_of_work import UnitOfWork
from contracts.intake import AgreementReported, LearnerAtRisk, LearnerSearchStarted, WorkplaceRegistered
from contracts.matching import ProposalPeriodEnded
from contracts.vocabulary import AgreementStatus, known
from services.matching.domain.agreement import Agreement
from services.matching.domain.learner_search import LearnerSearch
from services.matching.domain.proposing import propose_workplace_to_learners, propose_workplaces
from services.matching.domain.rules import Rulebook
from services.matching.domain.workplace import Workplace


@dataclass
class Handlers:
    """Matching's handlers, and what they need besides their store."""

    rulebook: Rulebook

    @handles(
        LearnerSearchStarted,
        loads={LearnerSearch: "learner_id", Workplace: by("programme"), Agreement: by("learner_id")},
    )
    def start_search(self, event: LearnerSearchStarted, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A learner who searches gets the best open workplaces at once."""
        if search := uow.find(LearnerSearch, event.learner_id):
            search.renew(event)
        else:
            uow.add(search := LearnerSearch.start(event))
        search.apply_agreements(uow.all(Agreement, learner_id=event.learner_id))
        workplaces = uow.all(Workplace, programme=event.programme)
        propose_workplaces(search, workplaces, self.rulebook.on(ctx.today), ctx.new_id)

    @handles(WorkplaceRegistered, loads={Workplace: "workplace_id", LearnerSearch: by("programme")})
    def register_workplace(self, event: WorkplaceRegistered, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A workplace that is new, or registered again, is proposed to learners who search one."""
        if workplace := uow.find(Workplace, event.workplace_id):
            workplace.renew(event)
        else:
            uow.add(workplace := Workplace.register(event))
        searches = uow.all(LearnerSearch, programme=event.programme)
        propose_workplace_to_learners(workplace, searches, self.rulebook.on(ctx.today), ctx.new_id)

    @handles(LearnerAtRisk, loads={LearnerSearch: "learner_id", Workplace: by("programme", of=LearnerSearch)})
    def note_risk(self, event: LearnerAtRisk, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A learner at risk goes before other learners from now on, and gets proposals of today's open workplaces."""
        if search := uow.find(LearnerSearch, event.learner_id):
            search.mark_at_risk()
            workplaces = uow.all(Workplace, programme=search.programme)
            propose_workplaces(search, workplaces, self.rulebook.on(ctx.today), ctx.new_id)

    @handles(ProposalPeriodEnded, loads={LearnerSearch: ("learner_id", by("programme")), Workplace: "workplace_id"})
    def lapse_proposal(self, event: ProposalPeriodEnded, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A proposal on which nobody decided lapses, and its position is proposed to another learner."""
        search = uow.find(LearnerSearch, event.learner_id)
        if search and search.lapse(event):
            others = [other for other in uow.all(LearnerSearch, programme=event.programme) if other is not search]
            workplace = uow.get(Workplace, event.workplace_id)
            propose_workplace_to_learners(workplace, others, self.rulebook.on(ctx.today), ctx.new_id)

    @handles(AgreementReported, loads={Agreement: ("agreement_id", by("learner_id")), LearnerSearch: "learner_id"})
    def note_agreement(self, event: AgreementReported, uow: UnitOfWork, _: MessageContext) -> None:
        """While a learner has an agreement the search rests; when it ends, the search goes on."""
        if known(event.status) is None:
            return
        agreement = uow.find(Agreement, event.agreement_id)
        if agreement is None:
            agreement = Agreement(event.agreement_id, event.learner_id)
            uow.add(agreement)
        if event.status is AgreementStatus.ENDED:
            agreement.end(event)
        else:
            agreement.register(event)
        if search := uow.find(LearnerSearch, event.learner_id):
            search.apply_agreements(uow.all(Agreement, learner_id=event.learner_id))
