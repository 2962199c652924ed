"""The provider's pages and endpoints: the code flow with PKCE for people, client credentials for programs."""

import base64
import binascii
from collections.abc import Mapping
from hmac import compare_digest
from pathlib import Path
from urllib.parse import unquote_plus

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from deploy.login.accounts import Account, clients, people
from deploy.login.authorization import (
    AuthorizationRequest,
    Codes,
    ProtocolError,
    UnknownClient,
    answered,
    return_address,
)
from deploy.login.tokens import ALGORITHM, AUDIENCE, LIFETIME, Tokens

PAGES = Path(__file__).parent / "pages"
TEMPLATES = Environment(
    loader=FileSystemLoader(PAGES), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
)
NOT_KEPT = {"Cache-Control": "no-store"}


def create_app(tokens: Tokens, public_url: str, secrets: Mapping[str, str]) -> Starlette:
    """The provider for a platform at this address; `secrets` has the secret of each program."""
    provider = Provider(tokens, public_url, secrets)
    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", provider.discovery),
            Route("/jwks", provider.jwks),
            Route("/authorize", provider.choose, methods=["GET"]),
            Route("/authorize", provider.sign_in, methods=["POST"]),
            Route("/token", provider.token, methods=["POST"]),
            Route("/logout", provider.logout, methods=["GET", "POST"]),
            Route("/style.css", provider.style),
        ],
        exception_handlers={UnknownClient: provider.unknown_client},
    )


class Provider:
    """It keeps nobody signed in: whoever wants to sign in chooses a person again."""

    def __init__(self, tokens: Tokens, public_url: str, secrets: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._public_url = public_url
        self._redirect_uri = f"{public_url}/aanmelden/terug"
        self._home = f"{public_url}/"
        self._secrets = secrets
        self._people = {person.account.subject: person for person in people()}
        self._clients = clients()
        self._codes = Codes(tokens.now)

    async def discovery(self, _: Request) -> Response:
        """Where everything is, and what is supported."""
        issuer = self._tokens.issuer
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/jwks",
                "end_session_endpoint": f"{issuer}/logout",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "client_credentials"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "scopes_supported": ["openid"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
                "claims_supported": ["iss", "aud", "sub", "iat", "exp", "nonce", "roles", "institution"],
            }
        )

    async def jwks(self, _: Request) -> Response:
        """The public keys."""
        return JSONResponse(self._tokens.public_keys)

    async def choose(self, request: Request) -> Response:
        """The page with a button for each person."""
        address = return_address(request.query_params, self._redirect_uri)
        try:
            AuthorizationRequest.read(request.query_params)
        except ProtocolError as error:
            return self._sent_back(request, address, error=error.code, error_description=str(error))
        return self._page("choose.html", people=list(self._people.values()))

    async def sign_in(self, request: Request) -> Response:
        """A button was pressed: back to the platform with a code."""
        address = return_address(request.query_params, self._redirect_uri)
        chosen = self._people.get(str((await request.form()).get("person")))
        try:
            asked = AuthorizationRequest.read(request.query_params)
            if chosen is None:
                raise ProtocolError("access_denied", "nobody was chosen")
        except ProtocolError as error:
            return self._sent_back(request, address, error=error.code, error_description=str(error))
        return self._sent_back(request, address, code=self._codes.issue(asked, chosen.account))

    async def token(self, request: Request) -> Response:
        """A token for a code, or for the secret of a program."""
        form = await request.form()
        try:
            match form.get("grant_type"):
                case "authorization_code":
                    return self._for_a_code(form)
                case "client_credentials":
                    return self._for_a_secret(form, request.headers.get("Authorization", ""))
        except ProtocolError as error:
            return _refusal(error)
        return _refusal(ProtocolError("unsupported_grant_type", "authorization_code or client_credentials"))

    async def logout(self, request: Request) -> Response:
        """Nobody is kept signed in here: back to the home page of the platform, if that is asked for."""
        asked = request.query_params if request.method == "GET" else await request.form()
        if "post_logout_redirect_uri" not in asked:
            return self._page("signed_out.html", home=self._home)
        if asked["post_logout_redirect_uri"] != self._home:
            raise UnknownClient("post_logout_redirect_uri")
        state = asked.get("state")
        return RedirectResponse(answered(self._home, str(state)) if state else self._home, 303, NOT_KEPT)

    async def style(self, _: Request) -> Response:
        """The stylesheet."""
        return FileResponse(PAGES / "style.css")

    async def unknown_client(self, _: Request, error: Exception) -> Response:
        """For a person whom something sent here that is not the platform."""
        return self._page("unknown.html", 400, parameter=str(error), home=self._home)

    def _for_a_code(self, form: FormData) -> Response:
        if _text(form, "client_id") != AUDIENCE:
            raise ProtocolError("invalid_client", "client_id is unknown")
        code, address, verifier = (_text(form, name) for name in ("code", "redirect_uri", "code_verifier"))
        consent = self._codes.redeem(code, address, verifier)
        id_token = self._tokens.id_token(consent.account, consent.request.nonce)
        return self._granted(consent.account, AUDIENCE, scope="openid", id_token=id_token)

    def _for_a_secret(self, form: FormData, authorization: str) -> Response:
        client, secret = _credentials(form, authorization)
        account = self._clients.get(client)
        if account is None or not compare_digest(secret.encode(), self._secrets[client].encode()):
            raise ProtocolError("invalid_client", "client_id or client_secret is wrong")
        return self._granted(account, client)

    def _granted(self, account: Account, client: str, **more: str) -> Response:
        access_token = self._tokens.access_token(account, client)
        answer = {"access_token": access_token, "token_type": "Bearer", "expires_in": LIFETIME, **more}
        return JSONResponse(answer, headers=NOT_KEPT)

    def _sent_back(self, request: Request, address: str, **answer: str) -> Response:
        return RedirectResponse(answered(address, request.query_params.get("state"), **answer), 303, NOT_KEPT)

    def _page(self, name: str, status: int = 200, **values: object) -> Response:
        # A browser applies form-action to where the answer to a form leads, too.
        policy = (
            "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action 'self' {self._public_url}"
        )
        headers = {**NOT_KEPT, "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
        return HTMLResponse(TEMPLATES.get_template(name).render(**values), status, headers)


def _text(form: FormData, name: str) -> str:
    """A field that has to be there.

    Raises:
        ProtocolError: it is not.
    """
    value = form.get(name)
    if not isinstance(value, str) or not value:
        raise ProtocolError("invalid_request", f"{name} is missing")
    return value


def _credentials(form: FormData, authorization: str) -> tuple[str, str]:
    """Id and secret of a program, from the header or from the form.

    Raises:
        ProtocolError: they are in neither.
    """
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return _text(form, "client_id"), _text(form, "client_secret")
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise ProtocolError("invalid_client", "the Authorization header cannot be read") from None
    return unquote_plus(client), unquote_plus(secret)


def _refusal(error: ProtocolError) -> Response:
    unauthorized = error.code == "invalid_client"
    headers = NOT_KEPT | ({"WWW-Authenticate": 'Basic realm="duaal-west"'} if unauthorized else {})
    body = {"error": error.code, "error_description": str(error)}
    return JSONResponse(body, 401 if unauthorized else 400, headers)
