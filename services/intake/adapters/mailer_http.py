"""What a program of ours that sends mail may ask at the moment of sending: an address, and a private link."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from starlette.responses import Response

from chassis.access import only
from chassis.actors import Actor, UserRole
from chassis.commands import Commands
from chassis.handling import NotFound
from chassis.http import json_only
from chassis.private_links import hash_of, new_token
from services.intake.application.commands import LinkReceipt, MakeLink
from services.intake.application.disclosures import ContactView, Vault

Mailer = Annotated[Actor, only(UserRole.MAILER)]


class NewLink(BaseModel):
    """A private link. Nobody can ask for it again: only its hash is stored."""

    address: str


def mailer_routes(commands: Commands, vault: Vault, public_url: str) -> APIRouter:
    """Two routes, whose answers nobody on the way may keep."""
    router = APIRouter(dependencies=[Depends(json_only), Depends(keep_nowhere)])

    @router.get("/contacts/{id_}", summary="How to reach the person behind a question or a workplace")
    async def show_contact(id_: UUID, actor: Mailer) -> ContactView:
        for contact in await vault.contacts([id_], actor, commands.now()):
            return contact
        raise NotFound("Van deze vraag of werkplek kennen we niemand.")

    # Without an Idempotency-Key: the answer that belongs to a key is stored, and this one has the token in it.
    @router.post("/cases/{case_id}/links", status_code=201, summary="Make one more private link to a case")
    async def make_link(case_id: UUID, actor: Mailer) -> NewLink:
        token = new_token()
        await commands.execute(MakeLink(case_id=case_id, link=hash_of(token)), LinkReceipt, actor=actor)
        return NewLink(address=f"{public_url}/vraag/volg/{token}")

    return router


def keep_nowhere(response: Response) -> None:
    """A dependency: no cache keeps the answer."""
    response.headers["Cache-Control"] = "no-store"
