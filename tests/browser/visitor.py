"""Somebody with a browser of their own. Whatever they do, what goes over the wire is looked at when they leave."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page, Request, Response

from chassis.access import SESSION
from deploy.local.platform import Platform


class Equipment(NamedTuple):
    """With what somebody looks at the pages."""

    width: int = 1280
    javascript: bool = True

    def __str__(self) -> str:
        return f"{self.width}-{'js' if self.javascript else 'nojs'}"


DESKTOP = Equipment()
PHONE = Equipment(320, javascript=False)
EVERY = tuple(Equipment(width, javascript) for width in (320, 1280) for javascript in (True, False))
WIDTHS = (320, 768, 1280)
HEIGHT = 800


@dataclass
class Visitor:
    """A browser context with one page, and all that it asked for and got."""

    page: Page
    url: str
    """The one address of the platform."""
    requests: list[Request] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    async def goto(self, path: str) -> int:
        """Open an address of the platform, as if it was typed; the status of the answer."""
        answer = await self.page.goto(path if path.startswith("http") else self.url + path)
        assert answer
        return answer.status

    async def reload(self) -> None:
        """Look again."""
        await self.page.goto(self.page.url.partition("?")[0])

    def note_request(self, request: Request) -> None:
        """Something was asked for."""
        self.requests.append(request)

    def note_response(self, response: Response) -> None:
        """Something came."""
        self.responses.append(response)

    @property
    def answers(self) -> list[Response]:
        """What came for the page itself: not its looks."""
        return [one for one in self.responses if one.request.is_navigation_request()]

    @property
    def pages_got(self) -> list[Response]:
        """Every answer that was a page."""
        return [one for one in self.answers if "text/html" in one.headers.get("content-type", "")]


@asynccontextmanager
async def visiting(
    browser: Browser, platform: Platform, equipment: Equipment = DESKTOP, session: str = ""
) -> AsyncIterator[Visitor]:
    """Somebody comes, and leaves; with `session`, the cookie of somebody who signed in before."""
    context = await browser.new_context(
        viewport={"width": equipment.width, "height": HEIGHT},
        java_script_enabled=equipment.javascript,
        locale="nl-BE",
        # A page that glides to an error is somewhere else while it is measured.
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    if session:
        await keep_signed_in(context, platform, session)
    visitor = Visitor(await context.new_page(), platform.url)
    context.on("request", visitor.note_request)
    context.on("response", visitor.note_response)
    try:
        yield visitor
        await check_the_wire(visitor, context, (platform.url, platform.logins.issuer))
    finally:
        await context.close()


async def keep_signed_in(context: BrowserContext, platform: Platform, session: str) -> None:
    """With the cookie of a session, as the platform sets it."""
    await context.add_cookies(
        [{"name": SESSION, "value": session, "url": platform.url, "httpOnly": True, "sameSite": "Lax"}]
    )


async def check_the_wire(visitor: Visitor, context: BrowserContext, origins: tuple[str, ...]) -> None:
    """Nothing went elsewhere, and every page and cookie was as guarded as it has to be."""
    elsewhere = [one.url for one in visitor.requests if not one.url.startswith(tuple(f"{url}/" for url in origins))]
    assert elsewhere == []
    for answer in visitor.pages_got:
        headers = answer.headers
        assert headers.get("content-security-policy", "").startswith("default-src 'none'"), answer.url
        assert headers.get("cache-control") == "no-store", answer.url
        assert headers.get("x-content-type-options") == "nosniff", answer.url
        if urlsplit(answer.url).path.startswith("/vraag/volg/"):
            assert headers.get("referrer-policy") == "no-referrer", answer.url
    for answer in visitor.answers:
        for header in await answer.headers_array():
            if header["name"].lower() == "set-cookie":
                attributes = {part.strip().lower() for part in header["value"].split(";")}
                is_guarded = {"httponly", "samesite=lax"} <= attributes or "max-age=0" in attributes
                assert is_guarded, header["value"].partition("=")[0]
    assert not [one for one in await context.cookies() if not one["httpOnly"] or one["sameSite"] != "Lax"]
