"""Requests that change something in the name of a cookie come from our own pages, never from another site's."""

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.requests import Request

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_FIELD = "csrf"


class NotFromHere(Exception):
    """The request did not come from a page of ours."""


def form_token(session: str | None) -> str:
    """What a form of ours sends along: it follows from the session's cookie, which no other site can read."""
    return hashlib.sha256(f"form\n{session}".encode()).hexdigest() if session else ""


async def check_same_origin(request: Request, session: str | None, *, secret_address: bool = False) -> None:
    """Check a request with the cookie of a session, or from a public form.

    `secret_address`: nobody else knows the address. Such a page sends no referrer, and then browsers without
    Sec-Fetch-Site name no origin either.

    Raises:
        NotFromHere: another site sent it, or its form is not one that we showed in this session.
    """
    if request.method in SAFE:
        return
    hides_origin = secret_address and request.headers.get("origin") == "null"
    if not _is_same_origin(request, hides_origin=hides_origin):
        raise NotFromHere
    if session and _is_form(request):
        sent = str((await request.form()).get(FORM_FIELD, ""))
        if not hmac.compare_digest(sent.encode(), form_token(session).encode()):
            raise NotFromHere


def _is_same_origin(request: Request, *, hides_origin: bool) -> bool:
    """Browsers say it in Sec-Fetch-Site; those that do not, name the origin."""
    if site := request.headers.get("sec-fetch-site"):
        return site == "same-origin"
    return hides_origin or urlsplit(request.headers.get("origin", "")).netloc == request.headers.get("host")


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "")
    return kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data"))
