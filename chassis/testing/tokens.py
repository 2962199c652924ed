"""A signer of tokens for tests: what it signs goes through the same verification as the login provider's tokens."""

import time
from collections.abc import Callable
from functools import cache
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from chassis.actors import UserRole
from chassis.tokens import Tokens

ISSUER, AUDIENCE = "https://login.test", "duaal-west"


@cache
def _key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name})


class FixedKeys:
    """The public keys of the signer."""

    async def current(self, *, fresh: bool = False) -> KeySet:  # noqa: ARG002
        return KeySet([_key("ours")])


def tokens(now: Callable[[], float] = time.time) -> Tokens:
    """Verifies what `a_token` signs."""
    return Tokens(FixedKeys(), issuer=ISSUER, audience=AUDIENCE, now=now)


def a_token(
    *roles: UserRole, institution: str | None = None, subject: str = "", key: str = "ours", **claims: object
) -> str:
    """A token for somebody with these roles. `claims` replace those that it has."""
    content = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject or f"sub-{uuid4().hex[:12]}",
        "exp": int(time.time()) + 3600,
        "roles": [role.value for role in roles],
        **({"institution": institution} if institution else {}),
        **claims,
    }
    given = {name: value for name, value in content.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": key}, given, _key(key))


def bearer(*roles: UserRole, institution: str | None = None) -> dict[str, str]:
    """The header of a request in the name of somebody with these roles."""
    return {"Authorization": f"Bearer {a_token(*roles, institution=institution)}"}
