"""What pof does for each command and event."""

from dataclasses import dataclass
from datetime import date

from chassis.handling import MessageContext, NotFound, by, handles
from chassis.unit_of_work import UnitOfWork
from contracts.codelists import CodeLists
from contracts.intake import ProgrammatieReceived
from contracts.pof import Evidence
from services.pof.application.checks import check_school, check_submission, check_unique, plan_of, plan_of_partner
from services.pof.application.commands import AnnounceDossier, SubmitDossier
from services.pof.application.views import DossierView
from services.pof.domain.calendar import Calendar
from services.pof.domain.dossier import Dossier, Plan, Status
from services.pof.projections.evidence import count_evidence
from services.pof.projections.learner import SearchingLearner
from services.pof.projections.workplace import RegisteredWorkplace

DEMAND_AND_SUPPLY = {RegisteredWorkplace: by("programme"), SearchingLearner: by("programme")}
"""The workplaces and learners of the programme in the message."""
OF_THE_DOSSIER = {
    RegisteredWorkplace: by("programme", of=Dossier),
    SearchingLearner: by("programme", of=Dossier),
}
"""The workplaces and learners of the programme of the dossier in the message."""


@dataclass
class Handlers:
    """Pof's handlers, and what they need besides their store."""

    calendar: Calendar
    code_lists: CodeLists

    @handles(AnnounceDossier, loads={Dossier: by("natural_key"), **DEMAND_AND_SUPPLY})
    def announce_dossier(self, command: AnnounceDossier, uow: UnitOfWork, ctx: MessageContext) -> DossierView:
        """A valid plan opens a dossier, with today's demand and supply."""
        check_school(command.institution, ctx.actor)
        plan = plan_of(command, self.code_lists, ctx.today)
        check_unique(uow.all(Dossier, natural_key=plan.natural_key))
        deadline = self.calendar.deadline(plan.school_year, plan.education_type, ctx.today)
        evidence = _evidence(plan, uow, ctx.today)
        dossier = Dossier.announce(ctx.new_id("dossier"), plan, evidence, deadline, ctx.today)
        uow.add(dossier)
        return DossierView.of(dossier)

    @handles(SubmitDossier, loads={Dossier: "dossier_id", **OF_THE_DOSSIER})
    def submit_dossier(self, command: SubmitDossier, uow: UnitOfWork, ctx: MessageContext) -> DossierView:
        """The application was submitted to AGODI: judge whether in time, with today's evidence."""
        dossier = uow.find(Dossier, command.dossier_id)
        if dossier is None:
            raise NotFound(f"Dossier {command.dossier_id} kennen we niet. Kijk het nummer na.")
        check_school(dossier.institution, ctx.actor)
        submitted_on = command.submitted_on or ctx.today
        check_submission(dossier, submitted_on, ctx.today)
        deadline = self.calendar.deadline(dossier.school_year, dossier.education_type, ctx.today)
        evidence = _evidence(dossier, uow, ctx.today)
        dossier.submit(command.agodi_reference, submitted_on, deadline, evidence)
        return DossierView.of(dossier)

    @handles(ProgrammatieReceived, loads={Dossier: ("dossier_id", by("institution")), **DEMAND_AND_SUPPLY})
    def note_submission(self, event: ProgrammatieReceived, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A partner reports an application, of a dossier that was announced or of one that was not."""
        plan = plan_of_partner(event, self.code_lists.institutions, self.code_lists.places)
        evidence = _evidence(plan, uow, ctx.today)
        deadline = self.calendar.deadline(plan.school_year, plan.education_type, ctx.today)
        of_the_school = uow.all(Dossier, institution=plan.institution)
        dossier = next((one for one in of_the_school if one.natural_key == plan.natural_key), None)
        if dossier is None:
            # A reference that the partner used before, now for another plan, is another dossier.
            id_ = ctx.new_id("dossier") if uow.find(Dossier, event.dossier_id) else event.dossier_id
            dossier = Dossier.unannounced(id_, plan, evidence, deadline, ctx.today)
            uow.add(dossier)
        if dossier.status is Status.ANNOUNCED:
            dossier.submit(event.agodi_reference, event.submitted_on, deadline, evidence)


def _evidence(of: Plan | Dossier, uow: UnitOfWork, on: date) -> Evidence:
    """Demand and supply for the programme of a plan or dossier, in its subregion."""
    workplaces = [one for one in uow.all(RegisteredWorkplace, programme=of.programme) if one.subregion == of.subregion]
    learners = [one for one in uow.all(SearchingLearner, programme=of.programme) if one.subregion == of.subregion]
    return count_evidence(workplaces, learners, on)
