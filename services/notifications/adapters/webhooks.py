"""Signs webhooks by Standard Webhooks and posts them, one attempt per call; returns the outcome."""

import asyncio
import base64
import hmac
import ssl
from collections.abc import Sequence
from http import HTTPStatus

import httpx
import structlog

from contracts.envelope import STRUCTURED
from services.notifications.application.ports import Answer, Post

log = structlog.get_logger("webhooks")


class HttpReceiver:
    """The server of one partner. With two keys every webhook is signed twice, while the partner changes its key."""

    def __init__(self, partner: str, keys: Sequence[bytes], tls: ssl.SSLContext, timeout: float = 10.0) -> None:
        self._partner = partner
        self._keys = keys
        self._tls = tls
        self._timeout = timeout

    async def post(self, post: Post) -> Answer:
        """Post it on a new connection; redirects are not followed, and only the status of the answer is read."""
        headers = {"content-type": STRUCTURED, "user-agent": "duaal-west", **signed(post, self._keys)}
        try:
            async with (
                asyncio.timeout(self._timeout),
                # No environment variable, such as that of a proxy, changes where a webhook goes.
                httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=None) as client,
                client.stream("POST", post.url, content=post.body, headers=headers) as response,
            ):
                return self._verdict(post, response.status_code)
        # httpx raises the last two for addresses that a manifest accepts although they are invalid.
        except (httpx.HTTPError, OSError, httpx.InvalidURL, UnicodeError) as error:
            log.warning("webhook not posted", partner=self._partner, webhook=str(post.id), error=type(error).__name__)
            return Answer.NOT_NOW

    def _verdict(self, post: Post, code: int) -> Answer:
        if HTTPStatus.OK <= code < HTTPStatus.MULTIPLE_CHOICES:
            return Answer.ACCEPTED
        answer = Answer.REFUSED if code == HTTPStatus.GONE else Answer.NOT_NOW
        log.warning("webhook not accepted", partner=self._partner, webhook=str(post.id), code=code, answer=answer.name)
        return answer


def signed(post: Post, keys: Sequence[bytes]) -> dict[str, str]:
    """The three headers of Standard Webhooks; the timestamp is that of the attempt."""
    moment = str(int(post.at.timestamp()))
    content = f"{post.id}.{moment}.".encode() + post.body
    signatures = [base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys]
    return {
        "webhook-id": str(post.id),
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
