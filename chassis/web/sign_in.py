"""Sign in and out at the login provider: authorisation code with PKCE. The cookie is the provider's own token."""

import json
import secrets
from typing import Annotated, Any
from urllib.parse import urlencode

from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from fastapi import APIRouter, Query
from httpx2 import HTTPError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from chassis.access import SESSION, anyone
from chassis.same_origin import check_same_origin
from chassis.tokens import InvalidToken, Provider, ProviderUnreachable, Tokens
from chassis.web.errors import error_page

UNDER_WAY = "aanmelden"
"""The cookie of a sign-in that has begun: what has to come back, and where to go then."""
TEN_MINUTES = 600
HOME_OF_STAFF = "/mijn-werk"
LONGEST = 8 * 3600
"""Seconds that a session lasts at most."""

Text = Annotated[str, Query(max_length=4000)]


def sign_in_routes(issuer: str, client_id: str, public_url: str) -> APIRouter:
    """The routes under `/aanmelden` and `/afmelden`, for all services: they stand under one address."""
    provider = Provider(issuer)
    tokens = Tokens(provider, issuer=issuer, audience=client_id)
    router = APIRouter(include_in_schema=False)
    secure = public_url.startswith("https:")

    def client() -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id,
            redirect_uri=f"{public_url}/aanmelden/terug",
            scope="openid",
            code_challenge_method="S256",
            token_endpoint_auth_method="none",
            timeout=5,
        )

    @router.get("/aanmelden", dependencies=[anyone("to sign in")])
    async def sign_in(naar: Text = HOME_OF_STAFF) -> Response:
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        address = await provider.address_of("authorization_endpoint")
        url, state = client().create_authorization_url(address, code_verifier=verifier, nonce=nonce)
        answer = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
        under_way = json.dumps({"state": state, "nonce": nonce, "verifier": verifier, "to": _local(naar)})
        answer.set_cookie(
            UNDER_WAY, under_way.encode().hex(), TEN_MINUTES, path="/aanmelden", httponly=True, secure=secure
        )
        return answer

    @router.get("/aanmelden/terug", dependencies=[anyone("to sign in")])
    async def come_back(request: Request, state: Text = "", code: Text = "") -> Response:
        under_way = _under_way(request)
        if not code or not secrets.compare_digest(under_way["state"].encode(), state.encode()):
            return error_page(request, 400, "Het aanmelden is niet afgerond. Begin opnieuw met aanmelden.")
        try:
            token = await _token(client(), await provider.address_of("token_endpoint"), code, under_way["verifier"])
            claims = await tokens.claims(token)
        except (OAuthError, InvalidToken):
            return error_page(request, 401, "De aanmelddienst gaf geen geldige toegang. Begin opnieuw met aanmelden.")
        if claims.get("nonce") != under_way["nonce"]:
            return error_page(request, 401, "Dit antwoord hoort bij een andere aanmelding. Begin opnieuw.")
        answer = RedirectResponse(under_way["to"], 303, {"Cache-Control": "no-store"})
        answer.set_cookie(SESSION, token, LONGEST, httponly=True, secure=secure, samesite="lax")
        answer.delete_cookie(UNDER_WAY, path="/aanmelden")
        return answer

    @router.post("/afmelden", dependencies=[anyone("to sign out")])
    async def sign_out(request: Request) -> Response:
        session = request.cookies.get(SESSION)
        await check_same_origin(request, session)
        answer = RedirectResponse(await _end(provider, session, public_url), 303, {"Cache-Control": "no-store"})
        answer.delete_cookie(SESSION, httponly=True, secure=secure, samesite="lax")
        return answer

    return router


async def _token(client: AsyncOAuth2Client, endpoint: str, code: str, verifier: str) -> str:
    try:
        answer: dict[str, Any] = await client.fetch_token(endpoint, code=code, code_verifier=verifier)
    except HTTPError as error:
        raise ProviderUnreachable(endpoint) from error
    finally:
        await client.aclose()
    return str(answer["id_token"])


def _under_way(request: Request) -> dict[str, str]:
    """What was remembered when the sign-in began; nothing fits when there is none."""
    try:
        found: dict[str, str] = json.loads(bytes.fromhex(request.cookies.get(UNDER_WAY, "")))
    except ValueError:
        return {"state": secrets.token_urlsafe(16)}
    return found


def _local(path: str) -> str:
    """A path of ours: nobody is sent elsewhere by a link to our sign-in."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_ours else HOME_OF_STAFF


async def _end(provider: Provider, session: str | None, public_url: str) -> str:
    """Where the provider ends its own session too; home when it does not answer."""
    try:
        address = await provider.address_of("end_session_endpoint")
    except (ProviderUnreachable, KeyError):
        return "/"
    return f"{address}?{urlencode({'id_token_hint': session or '', 'post_logout_redirect_uri': f'{public_url}/'})}"
