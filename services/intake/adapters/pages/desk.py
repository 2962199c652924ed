"""The desk: the cases that wait, and one case with all that is known of it."""

import csv
import io
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from chassis.access import only
from chassis.actors import Actor, UserRole
from chassis.commands import Commands
from chassis.handling import BRUSSELS, NotFound
from chassis.web.navigation import DESK
from chassis.web.pages import HEADERS, Pages
from contracts.vocabulary import Audience, Subregion, Topic
from services.intake.adapters.pages.time_line import time_line_of
from services.intake.adapters.words import Labels, short_number
from services.intake.application.disclosures import ContactView, Vault
from services.intake.application.queries import AuditQueries, CaseQueries, CaseView, DeskFilter, DeskPage, Which

READS_WORDS = (UserRole.OPERATOR, UserRole.COORDINATOR)
"""Who reads what people wrote, and may see who they are."""


Staff = Annotated[Actor, only(*DESK)]


class Asked(BaseModel):
    """What a link to the desk asks for; what nobody understands is left out, so that an old link still works."""

    model_config = ConfigDict(frozen=True)

    lijst: Which = Which.TODAY
    thema: Topic | None = None
    wie: Audience | None = None
    regio: Subregion | None = None
    bladzijde: int = 1

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "Asked":
        """Read the parameters of the address."""
        given = {name: value for name, value in parameters.items() if name in cls.model_fields and value}
        while True:
            try:
                return cls.model_validate(given)
            except ValidationError as error:
                for line in error.errors():
                    given.pop(str(line["loc"][0]), None)

    @property
    def filter(self) -> DeskFilter:
        """The question to the queries."""
        return DeskFilter(self.lijst, self.thema, self.wie, self.regio)

    def address(self, **others: Any) -> str:
        """The address of the desk with these parameters, some of them changed."""
        values = {**self.model_dump(mode="json", exclude_none=True), "bladzijde": 1, **others}
        return f"?{urlencode({name: value for name, value in values.items() if value not in (None, '', 1)})}"


def desk_routes(
    pages: Pages, commands: Commands, queries: CaseQueries, vault: Vault, audit: AuditQueries, labels: Labels
) -> APIRouter:
    """The routes under `/balie`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/balie")
    async def show_desk(request: Request, actor: Staff) -> Response:
        asked = Asked.of(request.query_params)
        today = commands.now().astimezone(BRUSSELS).date()
        desk = await queries.desk(asked.filter, today, max(1, asked.bladzijde))
        ids = [row.question_id for row in desk.rows] if actor.may(*READS_WORDS) else []
        words = await vault.words(ids, actor, commands.now())
        return pages.render(
            request,
            "desk.html",
            desk=desk,
            asked=asked,
            filters=filters_of(asked),
            next_address=lambda page: asked.address(bladzijde=page),
            words=words,
            labels=labels,
            number=short_number,
            today=today,
            which=[*Which],
        )

    @router.get("/balie.csv")
    async def download(request: Request, _: Staff) -> Response:
        asked = Asked.of(request.query_params)
        desk = await queries.desk(asked.filter, commands.now().astimezone(BRUSSELS).date(), max(1, asked.bladzijde))
        headers = {**HEADERS, "Content-Disposition": 'attachment; filename="balie.csv"'}
        return Response(as_csv(desk, labels), media_type="text/csv; charset=utf-8", headers=headers)

    async def case_page(request: Request, case_id: UUID, actor: Actor, contacts: list[ContactView] | None) -> Response:
        case = await case_of(queries, case_id)
        ids = [one.id for one in case.questions]
        words = await vault.words(ids if actor.may(*READS_WORDS) else [], actor, commands.now())
        rows = await audit.about([case.case_id, *ids])
        return pages.render(
            request,
            "case.html",
            case=case,
            words=words,
            contacts=contacts,
            may_see_contact=actor.may(*READS_WORDS),
            time_line=time_line_of(case, rows, labels),
            labels=labels,
            number=short_number,
            today=commands.now().astimezone(BRUSSELS).date(),
        )

    @router.get("/balie/{case_id}")
    async def show_case(request: Request, case_id: UUID, actor: Staff) -> Response:
        return await case_page(request, case_id, actor, None)

    @router.post("/balie/{case_id}/contact")
    async def show_contact(request: Request, case_id: UUID, actor: Annotated[Actor, only(*READS_WORDS)]) -> Response:
        case = await case_of(queries, case_id)
        contacts = await vault.contacts([one.id for one in case.questions], actor, commands.now())
        return await case_page(request, case_id, actor, [one for one in contacts if not one.is_empty])

    return router


def filters_of(asked: Asked) -> list[tuple[str, str, str, str | None, list[str]]]:
    """Per filter: its parameter, the vocabulary of its codes, its label, what is chosen, and what can be."""
    return [
        ("thema", "topic", "Thema", asked.thema, _codes(Topic)),
        ("wie", "audience", "Van", asked.wie, _codes(Audience)),
        ("regio", "subregion", "Regio", asked.regio, _codes(Subregion)),
    ]


def _codes(codes: Iterable[StrEnum]) -> list[str]:
    return [code.value for code in codes if code.value != "UNKNOWN"]


async def case_of(queries: CaseQueries, case_id: UUID) -> CaseView:
    """One case.

    Raises:
        NotFound: there is none.
    """
    case = await queries.case(case_id)
    if case is None:
        raise NotFound("Dit dossier vinden we niet. Kijk het nummer na, of zoek het op aan de balie.")
    return case


def as_csv(desk: DeskPage, labels: Labels) -> str:
    """What the list shows, without what people wrote; with a mark by which Excel knows that it is UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(
        ("dossier", "ten laatste", "thema", "van", "regio", "kanaal", "gesteld", "vragen", "doorverwezen naar")
    )

    def name(vocabulary: str, code: str | None) -> str:
        return labels.of(vocabulary, code) if code else ""

    for row in desk.rows:
        writer.writerow(
            (
                row.case_id,
                row.due_on,
                name("topic", row.topics[0]),
                name("audience", row.audience),
                name("subregion", row.subregion),
                name("channel", row.channel),
                row.opened_at.astimezone(BRUSSELS).strftime("%Y-%m-%d %H:%M"),
                row.questions,
                name("service", row.referral.service_id if row.referral else None),
            )
        )
    return "\ufeff" + out.getvalue()
