"""The pages that everybody may read: home, privacy, accessibility."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from chassis.access import anyone
from chassis.web.pages import Pages
from services.intake.adapters.words import CrisisNumber


def home_routes(pages: Pages, crisis_numbers: tuple[CrisisNumber, ...]) -> APIRouter:
    """The front door."""
    router = APIRouter(include_in_schema=False, dependencies=[anyone("public information")])

    @router.get("/")
    async def home(request: Request) -> Response:
        return pages.render(request, "home.html", crisis_numbers=crisis_numbers)

    @router.get("/privacy")
    async def privacy(request: Request) -> Response:
        return pages.render(request, "privacy.html")

    @router.get("/toegankelijkheid")
    async def accessibility(request: Request) -> Response:
        return pages.render(request, "accessibility.html")

    return router
