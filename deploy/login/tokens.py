"""Signed tokens, and the key that signs them."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from deploy.local import files
from deploy.login.accounts import Account

AUDIENCE = "duaal-west"
"""The platform: whom every token is for."""
LIFETIME = 8 * 60 * 60
ALGORITHM = "RS256"


def signing_key(file: Path) -> RSAKey:
    """The key in this file; it is made once, so that tokens stay valid when the provider starts again."""
    if file.exists():
        return RSAKey.import_key(json.loads(file.read_text()))
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
    files.write(file, json.dumps(key.as_dict(private=True)))
    return key


@dataclass(frozen=True)
class Tokens:
    """Makes the tokens of one issuer."""

    issuer: str
    key: RSAKey
    now: Callable[[], float]

    @property
    def public_keys(self) -> dict[str, Any]:
        """With which anybody checks a token, as a JWK set."""
        return {**KeySet([self.key]).as_dict(private=False)}

    def id_token(self, account: Account, nonce: str | None) -> str:
        """Says to the platform who signed in."""
        return self._signed("JWT", account, {"nonce": nonce} if nonce else {})

    def access_token(self, account: Account, client: str) -> str:
        """Says to a service for whom a request is made, as RFC 9068 has it."""
        return self._signed("at+jwt", account, {"client_id": client, "jti": secrets.token_urlsafe(12)})

    def _signed(self, kind: str, account: Account, more: dict[str, str]) -> str:
        now = int(self.now())
        claims = {"iss": self.issuer, "aud": AUDIENCE, "sub": account.subject, "iat": now, "exp": now + LIFETIME}
        claims |= {"roles": list(account.roles), **more}
        if account.institution:
            claims["institution"] = account.institution
        return jwt.encode({"typ": kind, "alg": ALGORITHM, "kid": self.key.kid}, claims, self.key)
