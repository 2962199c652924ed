"""Sends the requests of the day. A request without an answer is sent again with the same Idempotency-Key."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from chassis.private_links import hash_of
from deploy.demo.traffic import Request
from deploy.local.platform import Platform

CLIENTS = 8
ATTEMPTS = 120
"""A quarter of a second apart: together longer than a killed service needs to restart."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A request and its final answer."""

    request: Request
    status: int
    body: Mapping[str, Any]
    attempts: int

    @property
    def accepted(self) -> bool:
        """The request was accepted, so its event has to be published."""
        return self.status < 300 or "link" in self.body


class Drive:
    """Eight clients that share one list of requests."""

    def __init__(self, platform: Platform, after_each: Callable[[int], Awaitable[None]]) -> None:
        self._platform = platform
        self._after_each = after_each
        self.answers: list[Answered] = []

    async def run(self, requests: Sequence[Request]) -> list[Answered]:
        """Send every request; returns the final answers."""
        waiting = iter(requests)
        token = await asyncio.to_thread(self._platform.logins.token_of, "demo")
        async with httpx.AsyncClient(timeout=10, headers={"Authorization": f"Bearer {token}"}) as http:
            await asyncio.gather(*(self._client(http, waiting) for _ in range(CLIENTS)))
        return self.answers

    async def _client(self, http: httpx.AsyncClient, waiting: Any) -> None:
        for request in waiting:
            answer = await self._send(http, request)
            if request.path == "/dossiers" and answer.accepted:
                await self._send(http, _submission(request, answer))
            await self._after_each(len(self.answers))

    async def _send(self, http: httpx.AsyncClient, request: Request) -> Answered:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = await self._post(http, request)
            except httpx.TransportError:
                await asyncio.sleep(0.25)
                continue
            if response.status_code >= 500:
                await asyncio.sleep(0.25)
                continue
            answer = Answered(request, response.status_code, _body(response), attempt)
            self.answers.append(answer)
            return answer
        raise TimeoutError(f"{request.service}{request.path} gave no answer in {ATTEMPTS} attempts")

    async def _post(self, http: httpx.AsyncClient, request: Request) -> httpx.Response:
        if request.is_form:
            address = self._platform.url
            return await http.post(f"{address}{request.path}", data=request.body, headers={"Origin": address})
        url = self._platform.urls[request.service] + request.path
        return await http.post(url, json=request.body, headers={"Idempotency-Key": request.key})


def _body(response: httpx.Response) -> Mapping[str, Any]:
    """The answer; of a form it is where it leads: a private link."""
    if location := response.headers.get("location"):
        return {"link": hash_of(urlsplit(location).path.rsplit("/", 1)[1])}
    return response.json() if "json" in response.headers["content-type"] else {"detail": response.text[:200]}


def _submission(request: Request, announced: Answered) -> Request:
    path = f"/dossiers/{announced.body['dossier_id']}/submit"
    return Request("pof", path, {"agodi_reference": f"AGODI-{request.key}"}, f"{request.key}-submit")
