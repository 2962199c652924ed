"""An actor is made of a token that our login provider signed, for us, and that has not expired; of nothing else."""

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from chassis.actors import Actor, UserRole, Way
from chassis.testing.tokens import AUDIENCE, ISSUER, a_token, tokens
from chassis.tokens import ASK_AGAIN_AFTER, LEEWAY, InvalidToken, Provider, Tokens


async def test_a_token_says_who_somebody_is() -> None:
    token = a_token(UserRole.SCHOOL, institution="34074", subject="sub-1")
    actor = await tokens().actor(token, Way.PAGE)
    assert actor == Actor("sub-1", Way.PAGE, frozenset({UserRole.SCHOOL}), "34074")


async def test_a_role_that_we_do_not_know_gives_no_right() -> None:
    actor = await tokens().actor(a_token(UserRole.READER, roles=["reader", "boss"]), Way.API)
    assert actor.roles == {UserRole.READER}


@pytest.mark.parametrize(
    "token",
    [
        "",
        "geen token",
        "a.b.c",
        a_token(UserRole.ADMIN, key="somebody else's"),
        a_token(UserRole.ADMIN, iss="https://elsewhere.test"),
        a_token(UserRole.ADMIN, aud="another-client"),
        a_token(UserRole.ADMIN, exp=int(time.time()) - LEEWAY - 5),
        a_token(UserRole.ADMIN, sub=None),
        a_token(UserRole.SCHOOL),
        jwt.encode({"alg": "HS256"}, {"iss": ISSUER, "aud": AUDIENCE, "sub": "x"}, OctKey.generate_key(256)),
        a_token(UserRole.ADMIN).rsplit(".", 1)[0] + ".",
    ],
    ids=[
        *("nothing", "words", "three-parts", "another-key", "another-issuer", "another-audience", "expired"),
        *("nobody", "school-without-number", "symmetric", "unsigned"),
    ],
)
async def test_what_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        await tokens().actor(token, Way.API)


async def test_a_token_that_was_verified_before_still_expires() -> None:
    now = [time.time()]
    verifying = tokens(now=lambda: now[0])
    token = a_token(UserRole.READER)
    await verifying.actor(token, Way.API)
    now[0] += 3600 + LEEWAY + 5
    with pytest.raises(InvalidToken):
        await verifying.actor(token, Way.API)


class TurningKeys:
    """A provider that replaced its key."""

    def __init__(self, *keys: RSAKey) -> None:
        self._keys = [*keys]

    async def current(self, *, fresh: bool = False) -> KeySet:
        if fresh:
            self._keys.pop(0)
        return KeySet([self._keys[0]])


async def test_a_new_key_of_the_provider_is_fetched() -> None:
    old, new = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("old", "new"))
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "exp": int(time.time()) + 60}
    verifying = Tokens(TurningKeys(old, new), issuer=ISSUER, audience=AUDIENCE)
    assert (await verifying.actor(jwt.encode({"alg": "RS256", "kid": "new"}, claims, new), Way.API)).id == "x"


async def test_tokens_of_strangers_do_not_make_us_ask_the_provider_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    key = RSAKey.generate_key(2048, {"kid": "ours"})

    async def get(url: str) -> Any:
        asked.append(url)
        return {"jwks_uri": f"{ISSUER}/jwks"} if "well-known" in url else KeySet([key]).as_dict(private=False)

    monkeypatch.setattr("chassis.tokens._get", get)
    now = [0.0]
    provider = Provider(ISSUER, now=lambda: now[0])
    for _ in range(5):
        await provider.current(fresh=True)
    assert asked.count(f"{ISSUER}/jwks") == 1
    now[0] += ASK_AGAIN_AFTER
    await provider.current(fresh=True)
    assert asked.count(f"{ISSUER}/jwks") == 2
