"""The login provider does what OpenID Connect asks of it, and gives nobody a token who did not earn it."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet, RSAKey

from contracts.codelists.institutions import Institutions
from deploy.local import ports
from deploy.local.login_provider import Logins
from deploy.login.accounts import Account, clients, people
from deploy.login.provider import create_app
from deploy.login.tokens import Tokens, signing_key

ISSUER, PLATFORM = "http://127.0.0.1:8001", "http://127.0.0.1:8080"
BACK = f"{PLATFORM}/aanmelden/terug"
# The example of RFC 7636, Appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
ASKED = {
    "client_id": "duaal-west",
    "response_type": "code",
    "scope": "openid",
    "redirect_uri": BACK,
    "state": "een staat & meer",
    "nonce": "een nonce",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
SECRETS = {client: f"geheim van {client}: 100%" for client in clients()}
SCHOOL = next(person for person in people() if person.account.institution)


class Clock:
    """The time of the provider."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> RSAKey:
    return signing_key(tmp_path_factory.mktemp("login") / "key.json")


@pytest.fixture
async def provider(key: RSAKey, clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Tokens(ISSUER, key, clock), PLATFORM, SECRETS)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as client:
        yield client


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in ASKED.items() if key != name}


async def code_for(provider: httpx.AsyncClient, person: str = SCHOOL.account.subject) -> str:
    """What the platform gets when this person presses the button."""
    answer = await provider.post("/authorize", params=ASKED, data={"person": person})
    (code,) = sent_back(answer)["code"]
    return code


def sent_back(answer: httpx.Response) -> dict[str, list[str]]:
    """What the platform gets in its address."""
    assert answer.status_code == 303
    address, _, query = answer.headers["Location"].partition("?")
    assert address == BACK
    return parse_qs(query)


async def redeem(provider: httpx.AsyncClient, code: str, **other: str) -> httpx.Response:
    form = {"grant_type": "authorization_code", "client_id": "duaal-west", "redirect_uri": BACK}
    return await provider.post("/token", data={**form, "code": code, "code_verifier": VERIFIER, **other})


async def claims_of(provider: httpx.AsyncClient, token: str) -> dict[str, Any]:
    """Checked with the public keys, as a service does."""
    keys = KeySet.import_key_set((await provider.get("/jwks")).json())
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


async def test_the_discovery_document_says_where_everything_is(provider: httpx.AsyncClient) -> None:
    found = (await provider.get("/.well-known/openid-configuration")).json()
    assert found["issuer"] == ISSUER
    assert found["code_challenge_methods_supported"] == ["S256"]
    for endpoint in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"):
        assert (await provider.request("OPTIONS", found[endpoint])).status_code != 404, endpoint


async def test_the_keys_that_are_shown_cannot_sign(provider: httpx.AsyncClient, key: RSAKey) -> None:
    (shown,) = (await provider.get("/jwks")).json()["keys"]
    assert shown.keys() == {"kty", "n", "e", "kid", "use", "alg"}
    assert shown["kid"] == key.kid


async def test_the_page_has_a_button_for_each_person_and_nothing_from_elsewhere(provider: httpx.AsyncClient) -> None:
    page = await provider.get("/authorize", params=ASKED)
    assert page.status_code == 200
    assert set(re.findall(r'name="person" value="(\w+)"', page.text)) == {one.account.subject for one in people()}
    assert not re.search(r"<script|style=|<style|http", page.text)
    policy = page.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "style-src 'self'", f"form-action 'self' {PLATFORM}"} <= set(policy)
    assert (await provider.get("/style.css")).headers["Content-Type"].startswith("text/css")


async def test_a_sign_in_gives_tokens_that_say_who_it_is_without_a_name(
    provider: httpx.AsyncClient, clock: Clock
) -> None:
    answer = await provider.post("/authorize", params=ASKED, data={"person": SCHOOL.account.subject})
    back = sent_back(answer)
    assert back.keys() == {"code", "state"}
    assert back["state"] == [ASKED["state"]]
    granted = await redeem(provider, back["code"][0])
    assert granted.headers["Cache-Control"] == "no-store"
    tokens = granted.json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 8 * 3600)
    about = {
        "iss": ISSUER,
        "aud": "duaal-west",
        "sub": SCHOOL.account.subject,
        "iat": int(clock.now),
        "exp": int(clock.now) + 8 * 3600,
        "roles": ["school"],
        "institution": SCHOOL.account.institution,
    }
    assert await claims_of(provider, tokens["id_token"]) == {**about, "nonce": ASKED["nonce"]}
    access = await claims_of(provider, tokens["access_token"])
    assert access == {**about, "client_id": "duaal-west", "jti": access["jti"]}


async def test_only_a_school_has_an_institution(provider: httpx.AsyncClient) -> None:
    for person in people():
        tokens = (await redeem(provider, await code_for(provider, person.account.subject))).json()
        assert ("institution" in await claims_of(provider, tokens["id_token"])) == (person.account.roles == ("school",))


@pytest.mark.parametrize(
    "wrong",
    [{"code_verifier": "x" * 43}, {"code_verifier": CHALLENGE}, {"redirect_uri": f"{BACK}/"}, {"code": "geraden"}],
    ids=["verifier", "challenge", "address", "code"],
)
async def test_a_code_helps_nobody_else(provider: httpx.AsyncClient, wrong: dict[str, str]) -> None:
    refused = await redeem(provider, **{"code": await code_for(provider), **wrong})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_a_code_without_a_verifier_is_worth_nothing(provider: httpx.AsyncClient) -> None:
    refused = await redeem(provider, await code_for(provider), code_verifier="")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_a_code_works_once(provider: httpx.AsyncClient) -> None:
    code = await code_for(provider)
    assert (await redeem(provider, code)).status_code == 200
    assert (await redeem(provider, code)).json()["error"] == "invalid_grant"


async def test_a_wrong_verifier_uses_a_code_up(provider: httpx.AsyncClient) -> None:
    code = await code_for(provider)
    await redeem(provider, code, code_verifier="x" * 43)
    assert (await redeem(provider, code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 400)])
async def test_a_code_expires_in_a_minute(provider: httpx.AsyncClient, clock: Clock, seconds: int, status: int) -> None:
    code = await code_for(provider)
    clock.now += seconds
    assert (await redeem(provider, code)).status_code == status


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "http://evil.example/aanmelden/terug"},
        {"redirect_uri": f"{BACK}?next=/"},
        {"redirect_uri": f"{BACK}/"},
        {"redirect_uri": ""},
        {"client_id": "iemand"},
    ],
    ids=["elsewhere", "query", "slash", "none", "client"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_is_sent_to_an_unknown_address(
    provider: httpx.AsyncClient, method: str, wrong: dict[str, str]
) -> None:
    answer = await provider.request(
        method, "/authorize", params={**ASKED, **wrong}, data={"person": SCHOOL.account.subject}
    )
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert "Aanmelden lukt niet" in answer.text


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (without("code_challenge"), "invalid_request"),
        ({**ASKED, "code_challenge_method": "plain"}, "invalid_request"),
        (without("code_challenge_method"), "invalid_request"),
        ({**ASKED, "response_type": "token"}, "unsupported_response_type"),
        ({**ASKED, "scope": "profile"}, "invalid_scope"),
    ],
    ids=["no challenge", "plain", "no method", "implicit", "no openid"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_is_not_the_code_flow_with_pkce_is_refused(
    provider: httpx.AsyncClient, method: str, asked: dict[str, str], error: str
) -> None:
    answer = await provider.request(method, "/authorize", params=asked, data={"person": SCHOOL.account.subject})
    back = sent_back(answer)
    assert (back["error"], back["state"], "code" in back) == ([error], [ASKED["state"]], False)


async def test_nobody_who_is_not_on_the_page_signs_in(provider: httpx.AsyncClient) -> None:
    answer = await provider.post("/authorize", params=ASKED, data={"person": "directeur"})
    assert sent_back(answer)["error"] == ["access_denied"]


@pytest.mark.parametrize("client", clients())
async def test_a_program_gets_a_token_for_its_secret(provider: httpx.AsyncClient, client: str) -> None:
    form = {"grant_type": "client_credentials"}
    in_form = await provider.post("/token", data={**form, "client_id": client, "client_secret": SECRETS[client]})
    # RFC 6749 has both of them encoded like a form in the header, too.
    encoded = httpx.QueryParams({"id": client, "secret": SECRETS[client]})
    user, secret = (pair.partition("=")[2] for pair in str(encoded).split("&"))
    in_header = await provider.post("/token", data=form, auth=(user, secret))
    account = clients()[client]
    for answer in (in_form, in_header):
        claims = await claims_of(provider, answer.json()["access_token"])
        assert (claims["sub"], claims["client_id"], claims["aud"]) == (client, client, "duaal-west")
        assert (claims["roles"], claims.get("institution")) == (list(account.roles), account.institution)
        assert "id_token" not in answer.json()


@pytest.mark.parametrize(
    ("client", "secret"),
    [("demo", "geraden"), ("demo", SECRETS["schoolsoft"]), ("iemand", "geheim"), ("duaal-west", "geheim")],
)
async def test_a_wrong_secret_gives_nothing(provider: httpx.AsyncClient, client: str, secret: str) -> None:
    form = {"grant_type": "client_credentials"}
    for answer in (
        await provider.post("/token", data={**form, "client_id": client, "client_secret": secret}),
        await provider.post("/token", data=form, auth=(client, secret)),
        await provider.post("/token", data=form, headers={"Authorization": "Basic geen base64"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


async def test_another_kind_of_grant_is_refused(provider: httpx.AsyncClient) -> None:
    answer = await provider.post("/token", data={"grant_type": "password", "username": "demo"})
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


async def test_a_token_that_somebody_changed_does_not_pass(provider: httpx.AsyncClient) -> None:
    token = (await redeem(provider, await code_for(provider))).json()["id_token"]
    head, _, signature = token.split(".")
    forged = jwt.encode({"alg": "RS256"}, {"roles": ["admin"]}, RSAKey.generate_key(2048))
    with pytest.raises(BadSignatureError):
        await claims_of(provider, ".".join((head, forged.split(".")[1], signature)))


async def test_signing_out_leads_home_and_nowhere_else(provider: httpx.AsyncClient) -> None:
    home = {"post_logout_redirect_uri": f"{PLATFORM}/"}
    for answer in (await provider.get("/logout", params=home), await provider.post("/logout", data=home)):
        assert (answer.status_code, answer.headers["Location"]) == (303, f"{PLATFORM}/")
    answer = await provider.get("/logout", params={**home, "state": "s"})
    assert answer.headers["Location"] == f"{PLATFORM}/?state=s"
    elsewhere = await provider.get("/logout", params={"post_logout_redirect_uri": "http://evil.example/"})
    assert (elsewhere.status_code, "Location" in elsewhere.headers) == (400, False)
    assert "U bent afgemeld" in (await provider.get("/logout")).text


def test_every_role_has_a_person_and_every_school_exists() -> None:
    accounts: list[Account] = [*(person.account for person in people()), *clients().values()]
    roles = {"reader", "operator", "coordinator", "pof-secretary", "admin", "auditor", "school"}
    assert {role for person in people() for role in person.account.roles} == roles
    assert len({account.subject for account in accounts}) == len(accounts)
    for account in accounts:
        assert (account.institution is not None) == ("school" in account.roles)
        assert account.institution is None or Institutions.read().get(account.institution)


@pytest.fixture
def logins(tmp_path: Path) -> Iterator[Logins]:
    port = ports.choose(["login"], {})["login"]
    logins = Logins(tmp_path, tmp_path / "login", port, PLATFORM)
    yield logins
    logins.server.stop()


def test_tokens_outlive_a_kill_of_the_provider_and_its_secrets_are_for_its_owner(
    logins: Logins, tmp_path: Path
) -> None:
    logins.server.start()
    for file in (logins.secrets, tmp_path / "login-key.json"):
        assert file.stat().st_mode & 0o777 == 0o600
    token = logins.token_of("demo")
    assert logins.token_of("demo") == token
    logins.server.kill()
    logins.server.start()
    keys = KeySet.import_key_set(httpx.get(f"{logins.issuer}/jwks").json())
    claims = jwt.decode(token, keys).claims
    assert (claims["iss"], claims["roles"]) == (logins.issuer, ["operator", "coordinator", "pof-secretary"])
