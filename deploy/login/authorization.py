"""What the platform asks for when somebody wants to sign in, and the code that it gets for it."""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Self
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from deploy.login.accounts import Account
from deploy.login.tokens import AUDIENCE

CODE_SECONDS = 60
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class UnknownClient(Exception):
    """Nobody knows who asks, or where the answer would go: it is said to the person, and sent nowhere."""


class ProtocolError(Exception):
    """The client asks for something that it cannot get; the code is one of RFC 6749."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


@dataclass(frozen=True)
class AuthorizationRequest:
    """A sign-in that was asked for, checked."""

    redirect_uri: str
    challenge: str
    state: str | None
    nonce: str | None

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> Self:
        """From the parameters of a request.

        Raises:
            ProtocolError: it is not the code flow with PKCE, or not OpenID Connect.
        """
        if asked.get("response_type") != "code":
            raise ProtocolError("unsupported_response_type", "response_type has to be code")
        if "openid" not in asked.get("scope", "").split():
            raise ProtocolError("invalid_scope", "scope has to contain openid")
        challenge = asked.get("code_challenge", "")
        if asked.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(challenge):
            raise ProtocolError("invalid_request", "code_challenge with code_challenge_method=S256 is required")
        return cls(asked["redirect_uri"], challenge, asked.get("state"), asked.get("nonce"))


def return_address(asked: Mapping[str, str], allowed: str) -> str:
    """Where the answer goes.

    Raises:
        UnknownClient: another client asks, or the address is not exactly the allowed one.
    """
    if asked.get("client_id") != AUDIENCE:
        raise UnknownClient("client_id")
    if asked.get("redirect_uri") != allowed:
        raise UnknownClient("redirect_uri")
    return allowed


def answered(address: str, state: str | None, **answer: str) -> str:
    """The address with the answer, and with what the client gave along."""
    return f"{address}?{urlencode({**answer, **({'state': state} if state else {})})}"


@dataclass(frozen=True)
class Consent:
    """What a code stands for."""

    request: AuthorizationRequest
    account: Account
    until: float


class Codes:
    """The codes that are out, each for one use within a minute."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._out: dict[str, Consent] = {}

    def issue(self, request: AuthorizationRequest, account: Account) -> str:
        """A code for this person."""
        now = self._now()
        self._out = {code: consent for code, consent in self._out.items() if consent.until > now}
        code = secrets.token_urlsafe(32)
        self._out[code] = Consent(request, account, now + CODE_SECONDS)
        return code

    def redeem(self, code: str, redirect_uri: str, verifier: str) -> Consent:
        """What the code stands for. It is used up, also by an attempt that fails.

        Raises:
            ProtocolError: it does not exist any more, or whoever brings it did not ask for it.
        """
        consent = self._out.pop(code, None)
        if consent is None or consent.until <= self._now():
            raise ProtocolError("invalid_grant", "the code is unknown, used or expired")
        if redirect_uri != consent.request.redirect_uri:
            raise ProtocolError("invalid_grant", "redirect_uri is not the one of the authorization request")
        if not compare_digest(create_s256_code_challenge(verifier), consent.request.challenge):
            raise ProtocolError("invalid_grant", "code_verifier does not fit the code_challenge")
        return consent
