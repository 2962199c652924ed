"""What waits for somebody who works here, by role; and for the auditor, who read whose data."""

from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from chassis.access import only
from chassis.actors import Actor, UserRole
from chassis.commands import Commands
from chassis.handling import BRUSSELS
from chassis.web.navigation import DESK
from chassis.web.pages import Pages
from services.intake.adapters.pages.time_line import BY, DONE
from services.intake.adapters.words import Labels, short_number
from services.intake.application.queries import AuditQueries, CaseQueries, Waiting


class Task(NamedTuple):
    """Something that waits for somebody."""

    title: str
    text: str
    path: str


def staff_routes(
    pages: Pages, commands: Commands, queries: CaseQueries, audit: AuditQueries, labels: Labels
) -> APIRouter:
    """The home of staff, and the audit."""
    router = APIRouter(include_in_schema=False)

    @router.get("/mijn-werk")
    async def my_work(request: Request, actor: Annotated[Actor, only(*UserRole)]) -> Response:
        waiting = await queries.waiting(commands.now().astimezone(BRUSSELS).date()) if actor.may(*DESK) else None
        roles = [labels.of("user", role) for role in sorted(actor.roles)]
        return pages.render(
            request, "my_work.html", tasks=tasks_of(actor, waiting), roles=roles, institution=actor.institution
        )

    @router.get("/balie/inzage")
    async def show_audit(
        request: Request,
        _: Annotated[Actor, only(UserRole.AUDITOR)],
        nummer: Annotated[str, Query(max_length=100)] = "",
    ) -> Response:
        about = _uuid(nummer.strip())
        case = await queries.case(about) if about else None
        ids = [case.case_id, *(one.id for one in case.questions)] if case else [about] if about else []
        rows = await audit.about(ids) if ids else []
        return pages.render(
            request,
            "audit.html",
            asked=nummer,
            number=short_number,
            wrong=bool(nummer) and not about,
            rows=rows,
            done=DONE,
            by=BY,
            labels=labels,
        )

    return router


def tasks_of(actor: Actor, waiting: Waiting | None) -> list[Task]:
    """What this person can do now, the most urgent first."""
    tasks = []
    if waiting:
        tasks += [
            Task(_number(waiting.late, "vraag is te laat", "vragen zijn te laat"), "Begin hier.", "/balie?lijst=LATE"),
            Task(
                _number(waiting.today, "vraag voor vandaag", "vragen voor vandaag"),
                "Iemand wacht op een eerste antwoord.",
                "/balie?lijst=TODAY",
            ),
            Task(_number(waiting.open, "open vraag", "open vragen"), "Alles wat nog loopt.", "/balie?lijst=OPEN"),
        ]
        tasks = tasks if waiting.late else tasks[1:]
    if actor.may(UserRole.AUDITOR):
        tasks.append(Task("Inzage nakijken", "Wie las of veranderde welk dossier?", "/balie/inzage"))
    return tasks


def _number(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
