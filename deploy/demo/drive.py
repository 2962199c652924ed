"""Sends the requests of the day. A request without an answer is sent again with the same Idempotency-Key."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from deploy.demo.traffic import Request

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
        return self.status < 300


class Drive:
    """Eight clients that share one list of requests."""

    def __init__(self, urls: Mapping[str, str], after_each: Callable[[int], Awaitable[None]]) -> None:
        self._urls = urls
        self._after_each = after_each
        self.answers: list[Answered] = []

    async def run(self, requests: Sequence[Request]) -> list[Answered]:
        """Send every request; returns the final answers."""
        waiting = iter(requests)
        async with httpx.AsyncClient(timeout=10) as http:
            await asyncio.gather(*(self._client(http, waiting) for _ in range(CLIENTS)))
        return self.answers

    async def _client(self, http: httpx.AsyncClient, waiting: Any) -> None:
        for request in waiting:
            answer = await self._send(http, request)
            if request.path == "/dossiers" and answer.accepted:
                await self._send(http, _submission(request, answer))
            await self._after_each(len(self.answers))

    async def _send(self, http: httpx.AsyncClient, request: Request) -> Answered:
        url = self._urls[request.service] + request.path
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = await http.post(url, json=request.body, headers={"Idempotency-Key": request.key})
            except httpx.TransportError:
                await asyncio.sleep(0.25)
                continue
            if response.status_code >= 500:
                await asyncio.sleep(0.25)
                continue
            answer = Answered(request, response.status_code, response.json(), attempt)
            self.answers.append(answer)
            return answer
        raise TimeoutError(f"{request.service}{request.path} gave no answer in {ATTEMPTS} attempts")


def _submission(request: Request, announced: Answered) -> Request:
    path = f"/dossiers/{announced.body['dossier_id']}/submit"
    return Request("pof", path, {"agodi_reference": f"AGODI-{request.key}"}, f"{request.key}-submit")
