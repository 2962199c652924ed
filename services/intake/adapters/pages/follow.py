"""Follow a question by its private link: how far it is, what happens next, add something, withdraw."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from chassis.access import ByLink, LinkedTo
from chassis.commands import Commands
from chassis.handling import BRUSSELS, NotFound, Refused
from chassis.private_links import hash_of
from chassis.web.forms import Field, Filled, Form, Kind
from chassis.web.limits import Limits
from chassis.web.pages import PRIVATE, Pages
from services.intake.adapters.pages.ask import TOO_MANY
from services.intake.adapters.words import CrisisNumber, Labels
from services.intake.application.commands import (
    AskQuestion,
    QuestionReceipt,
    WithdrawCase,
    WithdrawReceipt,
    Words,
)
from services.intake.application.disclosures import Vault
from services.intake.application.progress import progress_of
from services.intake.application.queries import CaseQueries, CaseView
from services.intake.domain.case import CaseStatus


class Addition(BaseModel):
    """What somebody adds to a question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Words


FORM = Form(
    Addition,
    Field(
        "text",
        "Wil je nog iets zeggen of vragen?",
        hint="Zet er geen rijksregisternummer of medische informatie in.",
        kind=Kind.LONG,
        reasons={
            "missing": "Schrijf op wat je wilt toevoegen.",
            "string_too_short": "Schrijf op wat je wilt toevoegen.",
            "string_too_long": "Dit is te lang. Hou het bij {max_length} tekens, of bel ons.",
        },
    ),
)


def _today(commands: Commands) -> date:
    return commands.now().astimezone(BRUSSELS).date()


def follow_routes(
    pages: Pages,
    commands: Commands,
    queries: CaseQueries,
    vault: Vault,
    limits: Limits,
    labels: Labels,
    crisis_numbers: tuple[CrisisNumber, ...],
    public_url: str,
) -> APIRouter:
    """The routes of a private link. A GET changes nothing: programs that scan mails follow links too."""
    router = APIRouter(include_in_schema=False, prefix="/vraag/volg/{token}")

    async def find(token_hash: str) -> tuple[UUID, UUID] | None:
        return await queries.case_of_link(token_hash, _today(commands))

    Link = Annotated[LinkedTo, Depends(ByLink(find))]  # noqa: N806

    async def case_of(link: LinkedTo) -> CaseView:
        case = await queries.case(link.about)
        if case is None:
            raise NotFound("Deze vraag bestaat niet meer.")
        return case

    async def page(request: Request, link: LinkedTo, form: Filled[Addition], status: int = 200) -> Response:
        case = await case_of(link)
        words = await vault.words([one.id for one in case.questions], link.actor, commands.now())
        return pages.render(
            request,
            "follow.html",
            status=status,
            headers=PRIVATE,
            case=case,
            words=words,
            progress=progress_of(case),
            labels=labels,
            form=form,
            token=request.path_params["token"],
            new=request.query_params.get("nieuw"),
            address=f"{public_url}{request.url.path}",
            crisis_numbers=crisis_numbers,
        )

    @router.get("")
    async def show(request: Request, link: Link) -> Response:
        return await page(request, link, FORM.blank())

    @router.post("")
    async def add(request: Request, link: Link) -> Response:
        form = FORM.read(await request.form())
        if form.command is None:
            return await page(request, link, form, 422)
        if not limits.admit(request.client.host if request.client else ""):
            return await page(request, link, form.wrong(TOO_MANY), 429)
        case = await case_of(link)
        command = AskQuestion(case_id=case.case_id, audience=case.audience, text=form.command.text)
        key = hash_of(f"{request.path_params['token']}\n{len(case.questions)}\n{form.command.text}")
        try:
            await commands.execute(command, QuestionReceipt, key, actor=link.actor)
        except Refused as refused:
            return await page(request, link, form.refused(refused), 422)
        return RedirectResponse(f"{request.url.path}?nieuw=toegevoegd", 303)

    @router.get("/intrekken")
    async def ask_whether_to_withdraw(request: Request, link: Link) -> Response:
        case = await case_of(link)
        if case.status is CaseStatus.WITHDRAWN:
            return RedirectResponse(request.url.path.removesuffix("/intrekken"), 303)
        return pages.render(
            request, "withdraw.html", headers=PRIVATE, case=case, token=request.path_params["token"]
        )

    @router.post("/intrekken")
    async def withdraw(request: Request, link: Link) -> Response:
        await commands.execute(WithdrawCase(case_id=link.about), WithdrawReceipt, actor=link.actor)
        return RedirectResponse(f"{request.url.path.removesuffix('/intrekken')}?nieuw=ingetrokken", 303)

    return router
