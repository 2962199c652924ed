"""A program gets a token by its secret, and uses it until shortly before it expires."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import httpx
import pytest

from chassis.client_credentials import RENEWED, ClientCredentials
from chassis.tokens import ProviderUnreachable
from tests.vault import LIVES, SECRET, VaultServer


@pytest.fixture
async def server() -> AsyncIterator[VaultServer]:
    async with VaultServer() as server:
        yield server


async def ask(server: VaultServer, credentials: ClientCredentials) -> int:
    async with httpx.AsyncClient(auth=credentials) as client:
        return (await client.get(f"{server.url}/contacts/1")).status_code


def tokens_used(server: VaultServer) -> list[str]:
    return [one.token for one in server.asked]


async def test_a_token_is_asked_for_with_the_secret_and_comes_with_the_request(server: VaultServer) -> None:
    await ask(server, server.credentials())
    assert server.granted == [
        {"grant_type": ["client_credentials"], "client_id": ["notifications"], "client_secret": [SECRET]}
    ]
    assert tokens_used(server) == ["token-1"]


async def test_many_requests_at_once_share_one_token(server: VaultServer) -> None:
    credentials = server.credentials()
    await asyncio.gather(*(ask(server, credentials) for _ in range(20)))
    assert set(tokens_used(server)) == {"token-1"}
    assert len(server.granted) == 1


async def test_a_token_is_replaced_shortly_before_it_expires(server: VaultServer) -> None:
    now = 0.0
    credentials = server.credentials(now=lambda: now)
    for moment in (0.0, LIVES - RENEWED - 1, LIVES - RENEWED):
        now = moment
        await ask(server, credentials)
    assert tokens_used(server) == ["token-1", "token-1", "token-2"]


async def test_after_a_refused_token_the_next_request_has_another(server: VaultServer) -> None:
    credentials = server.credentials()
    server.status = HTTPStatus.UNAUTHORIZED
    assert await ask(server, credentials) == HTTPStatus.UNAUTHORIZED
    server.status = HTTPStatus.OK
    await ask(server, credentials)
    assert tokens_used(server) == ["token-1", "token-2"]


async def test_without_a_provider_there_is_no_token_and_nothing_is_asked() -> None:
    async with VaultServer() as server:
        credentials = server.credentials()
    with pytest.raises(ProviderUnreachable):
        await ask(server, credentials)
    assert server.asked == []
