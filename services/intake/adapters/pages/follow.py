"""Follow a question by its private link: how far it is, what happens next, add something, withdraw."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from chassis.access import ByLink, linked
from chassis.commands import Commands
from chassis.handling import BRUSSELS, NotFound, Refused
from chassis.private_links import hash_of
from chassis.web.forms import Field, Filled, Form, Kind
from chassis.web.limits import Limits, address_of
from chassis.web.pages import HEADERS, PRIVATE, Pages
from services.intake.adapters.documents import receipt_pdf
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
from services.intake.application.progress import is_urgent, progress_of
from services.intake.application.queries import CaseQueries, CaseView
from services.intake.domain.case import CaseStatus
from services.intake.domain.policies import Policies


@dataclass(frozen=True)
class PublicWords:
    """What the pages say besides the case itself."""

    labels: Labels
    crisis_numbers: tuple[CrisisNumber, ...]
    policies: Policies
    public_url: str


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


CONTACT = "Liever iemand spreken? Bel het Steunpunt op werkdagen van 9 tot 16 uur."


class FollowPages:
    """The pages behind a private link. A GET changes nothing: programs that scan mails follow links too."""

    def __init__(
        self,
        pages: Pages,
        commands: Commands,
        queries: CaseQueries,
        vault: Vault,
        limits: Limits,
        words: PublicWords,
    ) -> None:
        self._pages = pages
        self._commands = commands
        self._queries = queries
        self._vault = vault
        self._limits = limits
        self._words = words

    def routes(self) -> APIRouter:
        """How far it is, add something, withdraw."""
        access = Depends(ByLink(self._find))
        router = APIRouter(prefix="/vraag/volg/{token}", include_in_schema=False, dependencies=[access])
        router.get("")(self.show)
        router.post("")(self.add)
        router.get("/bewijs.pdf")(self.receipt)
        router.get("/intrekken")(self.ask_whether_to_withdraw)
        router.post("/intrekken")(self.withdraw)
        return router

    async def show(self, request: Request, token: str) -> Response:
        """How far the question is."""
        return await self._page(request, token, FORM.blank())

    async def add(self, request: Request, token: str) -> Response:
        """Add something: a question that joins the case."""
        form = FORM.read(await request.form())
        if form.command is None:
            return await self._page(request, token, form, 422)
        if not self._limits.admit(address_of(request)):
            return await self._page(request, token, form.wrong(TOO_MANY), 429)
        case = await self._case(request)
        command = AskQuestion(case_id=case.case_id, audience=case.audience, text=form.command.text)
        key = hash_of(f"{token}\n{len(case.questions)}\n{form.command.text}")
        try:
            await self._commands.execute(command, QuestionReceipt, key, actor=linked(request).actor)
        except Refused as refused:
            return await self._page(request, token, form.refused(refused), 422)
        return RedirectResponse(f"{_path(token)}?nieuw=toegevoegd", 303)

    async def receipt(self, request: Request) -> Response:
        """The first question as a document to keep: no name, and not what was asked."""
        case = await self._case(request)
        document = receipt_pdf(case, case.questions[0], self._words.labels, CONTACT)
        headers = {**HEADERS, **PRIVATE, "Content-Disposition": 'inline; filename="bewijs.pdf"'}
        return Response(document, media_type="application/pdf", headers=headers)

    async def ask_whether_to_withdraw(self, request: Request, token: str) -> Response:
        """Ask before something that others act on."""
        case = await self._case(request)
        if case.status is CaseStatus.WITHDRAWN:
            return RedirectResponse(_path(token), 303)
        return self._pages.render(request, "withdraw.html", headers=PRIVATE, token=token)

    async def withdraw(self, request: Request, token: str) -> Response:
        """The question needs no answer any more."""
        link = linked(request)
        await self._commands.execute(WithdrawCase(case_id=link.about), WithdrawReceipt, actor=link.actor)
        return RedirectResponse(f"{_path(token)}?nieuw=ingetrokken", 303)

    async def _find(self, token_hash: str) -> tuple[UUID, UUID] | None:
        return await self._queries.case_of_link(token_hash, self._commands.now().astimezone(BRUSSELS).date())

    async def _case(self, request: Request) -> CaseView:
        case = await self._queries.case(linked(request).about)
        if case is None:
            raise NotFound("Deze vraag bestaat niet meer.")
        return case

    async def _page(self, request: Request, token: str, form: Filled[Addition], status: int = 200) -> Response:
        case = await self._case(request)
        actor = linked(request).actor
        words = await self._vault.words([one.id for one in case.questions], actor, self._commands.now())
        return self._pages.render(
            request,
            "follow.html",
            status=status,
            headers=PRIVATE,
            case=case,
            words=words,
            progress=progress_of(case),
            is_urgent=is_urgent(case, self._words.policies),
            form=form,
            token=token,
            new=request.query_params.get("nieuw"),
            address=f"{self._words.public_url}{_path(token)}",
            labels=self._words.labels,
            crisis_numbers=self._words.crisis_numbers,
        )


def _path(token: str) -> str:
    return f"/vraag/volg/{token}"
