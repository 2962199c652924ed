"""The signed tokens of the login provider: verified the same way from a cookie and from an Authorization header."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from chassis.actors import Actor, UserRole, Way

ALGORITHMS = ["RS256", "ES256"]
LEEWAY = 30
"""Seconds that the clocks of the provider and ours may differ."""
REMEMBERED = 10_000
"""Verified tokens that are remembered, so that a token is verified once and not with each request."""
ASK_AGAIN_AFTER = 10.0
"""Seconds between two questions to the provider for keys, when tokens come with a key that we do not know."""


class InvalidToken(Exception):
    """Not signed by our provider, not for us, or expired."""


class ProviderUnreachable(OSError):
    """The login provider does not answer."""


class Keys(Protocol):
    """The public keys with which the provider signs."""

    async def current(self, *, fresh: bool = False) -> KeySet:
        """The keys; `fresh`: ask the provider, because a token names another one."""
        ...


class Provider:
    """An OpenID Connect provider: its addresses and its public keys, read once and again when a new key appears."""

    def __init__(self, issuer: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self._now = now
        self._metadata: Mapping[str, Any] | None = None
        self._keys: KeySet | None = None
        self._asked_at = float("-inf")

    async def address_of(self, name: str) -> str:
        """An endpoint of the provider's discovery document, such as `token_endpoint`."""
        if self._metadata is None:
            self._metadata = await _get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        return str(self._metadata[name])

    async def current(self, *, fresh: bool = False) -> KeySet:
        """The keys. Asked for at most every ten seconds, whatever keys the tokens of strangers name.

        Raises:
            ProviderUnreachable: it does not answer, and we have no keys yet.
        """
        may_ask = self._now() - self._asked_at >= ASK_AGAIN_AFTER
        if self._keys is None or (fresh and may_ask):
            self._asked_at = self._now()
            self._keys = KeySet.import_key_set(await _get(await self.address_of("jwks_uri")))  # type: ignore[arg-type]
        return self._keys


async def _get(url: str) -> Mapping[str, Any]:
    try:
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get(url)
            answer.raise_for_status()
            document: Mapping[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ProviderUnreachable(f"{url}: {type(error).__name__}") from error
    return document


class Tokens:
    """Makes an actor of a token."""

    def __init__(self, keys: Keys, *, issuer: str, audience: str, now: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._now = now
        self._issuer = {"essential": True, "value": issuer}
        self._audience = {"essential": True, "value": audience}
        self._verified: dict[str, Mapping[str, Any]] = {}

    @property
    def issuer(self) -> str:
        """The address of the provider."""
        return str(self._issuer["value"])

    async def actor(self, token: str, way: Way) -> Actor:
        """Who the token speaks for. A role that we do not know gives no right.

        Raises:
            InvalidToken: it is not one of ours, or no longer valid.
            ProviderUnreachable: its signature cannot be checked now.
        """
        claims = await self.claims(token)
        known = {role.value: role for role in UserRole}
        roles = frozenset(known[name] for name in claims.get("roles", ()) if name in known)
        institution = claims.get("institution")
        if UserRole.SCHOOL in roles and not institution:
            raise InvalidToken("a school's account names no school")
        return Actor(str(claims["sub"]), way, roles, institution and str(institution))

    async def claims(self, token: str) -> Mapping[str, Any]:
        """What the provider says in a valid token.

        Raises:
            InvalidToken, ProviderUnreachable: as for `actor`.
        """
        found = self._verified.get(token)
        if found is None:
            found = await self._verify(token)
            if len(self._verified) >= REMEMBERED:
                self._verified.clear()
            self._verified[token] = found
        elif found["exp"] + LEEWAY < self._now():
            del self._verified[token]
            raise InvalidToken("expired")
        return found

    async def _verify(self, token: str) -> Mapping[str, Any]:
        try:
            try:
                decoded = jwt.decode(token, await self._keys.current(), algorithms=ALGORITHMS)
            except InvalidKeyIdError:
                # The key that it names is not there: the provider may have a new one.
                decoded = jwt.decode(token, await self._keys.current(fresh=True), algorithms=ALGORITHMS)
            rules = jwt.JWTClaimsRegistry(
                now=int(self._now()),
                leeway=LEEWAY,
                iss=self._issuer,  # type: ignore[arg-type]
                aud=self._audience,  # type: ignore[arg-type]
                exp={"essential": True},
                sub={"essential": True},
            )
            rules.validate(decoded.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidToken(type(error).__name__) from error
        return decoded.claims
