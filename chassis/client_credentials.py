"""How a program of ours shows who it is to the API of another service: with a token of the login provider."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from http import HTTPStatus

import httpx

from chassis.tokens import Provider, ProviderUnreachable

RENEWED = 60.0
"""Seconds before it expires, a token is replaced."""


class ClientCredentials(httpx.Auth):
    """Authorizes the requests of one program, with the same token until shortly before it expires."""

    def __init__(
        self, provider: Provider, client_id: str, secret: str, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._provider = provider
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        self._now = now
        self._token, self._until = "", float("-inf")
        self._turn = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send the request with a token.

        Raises:
            ProviderUnreachable: there is no token to be had now.
        """
        token = await self._current()
        request.headers["Authorization"] = f"Bearer {token}"
        answer = yield request
        if answer.status_code == HTTPStatus.UNAUTHORIZED and token == self._token:
            # The provider may sign with another key by now: the next request gets a new token.
            self._until = float("-inf")

    async def _current(self) -> str:
        """Many requests at once want one token, and ask for it once."""
        async with self._turn:
            if self._now() >= self._until:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        address = await self._provider.address_of("token_endpoint")
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
                answer = await client.post(address, data=self._form)
            answer.raise_for_status()
            granted = answer.json()
            self._token, self._until = granted["access_token"], self._now() + granted["expires_in"] - RENEWED
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise ProviderUnreachable(f"{address}: {type(error).__name__}") from error
