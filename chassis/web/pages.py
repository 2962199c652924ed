"""Renders a page: the layout, what every template may use, and the headers that keep a page to itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from chassis.access import SESSION
from chassis.actors import Actor, Way
from chassis.same_origin import form_token
from chassis.web.assets import ASSETS
from chassis.web.dates import day, moment
from chassis.web.navigation import menu_of

OURS = Path(__file__).parent / "templates"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
PRIVATE = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
"""Further headers of a page behind a private link: its address goes nowhere."""


class Pages:
    """The templates of a service, and those that all share."""

    def __init__(self, templates: Path = OURS) -> None:
        self._environment = Environment(
            loader=ChoiceLoader([FileSystemLoader(templates), FileSystemLoader(OURS)]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"day": day, "moment": moment}
        self._environment.globals |= {"asset": ASSETS.url}

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """The page, for whoever asked."""
        viewer: Actor | None = getattr(request.state, "viewer", None)
        content = self._environment.get_template(template).render(
            viewer=viewer,
            menu=menu_of(viewer),
            path=request.url.path,
            csrf=form_token(request.cookies.get(SESSION)) if viewer and viewer.way is Way.PAGE else "",
            **context,
        )
        answer = HTMLResponse(content, status, {**HEADERS, **(headers or {})})
        if tokens := request.app.state.tokens:
            # Browsers apply form-action to redirects too, and signing out goes on to the provider.
            answer.headers["Content-Security-Policy"] = f"{CONTENT_SECURITY_POLICY} {tokens.issuer}"
        return answer


def wants_page(request: Request) -> bool:
    """Does a browser ask, for somebody to read?"""
    return "text/html" in request.headers.get("accept", "")
