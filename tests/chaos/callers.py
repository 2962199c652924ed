"""People who ask over HTTP, a steady number of them every second, and leave when nobody answers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

import httpx

GIVES_UP_AFTER = 5.0
"""Seconds. Who got no answer by then hangs up."""
AT_ONCE = 1.0
"""Seconds in which an answer is what a caller is used to."""
LOOKED_AT = 120
"""As many of the last attempts have to be answered at once: a few seconds of calls."""


class Callers:
    """Many callers, and how their last attempts went."""

    def __init__(self, url: str, account: UUID) -> None:
        self._url = f"{url}/inquiries"
        self._account = account
        self._at_once: deque[bool] = deque(maxlen=LOOKED_AT)
        self.told_otherwise: list[str] = []
        """Answers that are neither what was asked for nor a request to come back later."""

    @property
    def are_answered_at_once(self) -> bool:
        """All of the last attempts were."""
        return len(self._at_once) == LOOKED_AT and all(self._at_once)

    @asynccontextmanager
    async def calling(self, per_second: int) -> AsyncIterator["Callers"]:
        """They call until the end of the block; who has no answer yet then hangs up."""
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=per_second)
        async with httpx.AsyncClient(timeout=GIVES_UP_AFTER, limits=limits) as client:
            calling = asyncio.create_task(self._call(client, 1 / per_second))
            try:
                yield self
            finally:
                calling.cancel()
                with suppress(asyncio.CancelledError):
                    await calling

    async def _call(self, client: httpx.AsyncClient, interval: float) -> None:
        async with asyncio.TaskGroup() as callers:
            while True:
                callers.create_task(self._ask(client))
                await asyncio.sleep(interval)

    async def _ask(self, client: httpx.AsyncClient) -> None:
        """Once: who asks again with the same key finds the answer ready, and then no work is for nobody."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            answer = await client.post(
                self._url, json={"account_id": str(self._account)}, headers={"Idempotency-Key": str(uuid4())}
            )
        except httpx.HTTPError:
            self._at_once.append(False)
            return
        self._at_once.append(answer.is_success and loop.time() - began < AT_ONCE)
        if not answer.is_success and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            self.told_otherwise.append(f"{answer.status_code} {answer.text}")
