"""The register as an HTTP API: parse, call the application, answer."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from chassis.access import only
from chassis.actors import Actor, UserRole
from chassis.commands import Commands
from chassis.http import IdempotencyKey, json_only
from chassis.persistence.connection import Pool
from services.pof.adapters.queries import PostgresDossierQueries
from services.pof.application.checks import check_school
from services.pof.application.commands import AnnounceDossier, Submission, SubmitDossier
from services.pof.application.queries import DossierQueries, WhichDossiers
from services.pof.application.views import DossierView

FORUM = (UserRole.POF_SECRETARY, UserRole.COORDINATOR)
ForumOrSchool = Annotated[Actor, only(*FORUM, UserRole.SCHOOL)]
Reader = Annotated[Actor, only(*FORUM, UserRole.SCHOOL, UserRole.READER, UserRole.OPERATOR, UserRole.ADMIN)]


def routes(commands: Commands, pool: Pool) -> APIRouter:
    """Two commands, and two queries of the register."""
    router = APIRouter(dependencies=[Depends(json_only)])
    queries: DossierQueries = PostgresDossierQueries(pool)

    @router.post("/dossiers", status_code=201, summary="Announce a programme to the forum")
    async def announce(command: AnnounceDossier, actor: ForumOrSchool, key: IdempotencyKey = None) -> DossierView:
        return await commands.execute(command, DossierView, key, actor=actor)

    @router.post("/dossiers/{dossier_id}/submit", summary="Report that the application is at AGODI")
    async def submit(
        dossier_id: UUID, submission: Submission, actor: ForumOrSchool, key: IdempotencyKey = None
    ) -> DossierView:
        command = SubmitDossier(dossier_id=dossier_id, **submission.model_dump())
        return await commands.execute(command, DossierView, key, actor=actor)

    @router.get("/dossiers/{dossier_id}", summary="Look at one dossier")
    async def show(dossier_id: UUID, actor: Reader) -> DossierView:
        dossier = await queries.dossier(dossier_id)
        check_school(dossier.institution, actor)
        return dossier

    @router.get("/dossiers", summary="Look at the dossiers, page by page; those announced last come first")
    async def show_page(which: Annotated[WhichDossiers, Query()], actor: Reader) -> list[DossierView]:
        own = {"institution": actor.institution} if actor.institution else {}
        return await queries.dossiers(which.model_copy(update=own))

    return router
