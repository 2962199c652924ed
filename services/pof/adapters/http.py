"""The register as an HTTP API: parse, call the application, answer."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from chassis.access import only
from chassis.actors import Actor, UserRole
from chassis.commands import Commands
from chassis.http import IdempotencyKey, json_only
from chassis.persistence.connection import Pool
from services.pof.adapters.queries import newest_dossiers, read_dossier
from services.pof.application.commands import AnnounceDossier, Submission, SubmitDossier
from services.pof.application.views import DossierView

Limit = Annotated[int, Query(ge=1, le=200, description="At most so many, newest first.")]


FORUM = (UserRole.POF_SECRETARY, UserRole.COORDINATOR)
ForumOrSchool = Annotated[Actor, only(*FORUM, UserRole.SCHOOL)]
Reader = Annotated[Actor, only(*FORUM, UserRole.SCHOOL, UserRole.READER, UserRole.OPERATOR, UserRole.ADMIN)]


def routes(commands: Commands, pool: Pool) -> APIRouter:
    """Two commands, and two queries of the register."""
    router = APIRouter(dependencies=[Depends(json_only)])

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
    async def show(dossier_id: UUID) -> DossierView:
        return DossierView.of(await read_dossier(pool, dossier_id))

    @router.get("/dossiers", summary="Look at the newest dossiers")
    async def show_newest(limit: Limit = 50) -> list[DossierView]:
        return [DossierView.of(dossier) for dossier in await newest_dossiers(pool, limit)]

    return router
