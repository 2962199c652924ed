"""Asks intake who asked a question, at the moment of sending. What it answers is in no log and in no error."""

import asyncio
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

import httpx
import structlog

from chassis.failures import explain
from chassis.handling import TransientError
from services.notifications.application.ports import Asker

log = structlog.get_logger("intake_api")


class IntakeApi:
    """Intake, as a program with the role `mailer` sees it."""

    def __init__(self, url: str, credentials: httpx.Auth, tls: ssl.SSLContext, timeout: float = 10.0) -> None:
        self._url = url
        self._credentials = credentials
        self._tls = tls
        self._timeout = timeout

    async def find(self, question_id: UUID, case_id: UUID) -> Asker | None:
        """Who left no address gets no link either: it would be one that nobody has.

        Raises:
            TransientError: intake or the login provider does not answer, or answers something else.
        """
        try:
            async with (
                asyncio.timeout(self._timeout),
                # No environment variable, such as that of a proxy, changes who sees an address.
                httpx.AsyncClient(
                    base_url=self._url, auth=self._credentials, verify=self._tls, trust_env=False, timeout=None
                ) as client,
            ):
                contact = await _answer(client, "GET", f"/contacts/{question_id}")
                if not contact or not contact["email"]:
                    return None
                link = await _answer(client, "POST", f"/cases/{case_id}/links")
                return Asker(contact["email"], link["address"]) if link else None
        except (TransientError, httpx.HTTPError, OSError, ValueError, KeyError) as error:
            log.warning("intake not asked", question=str(question_id), error=explain(error))
            raise TransientError("intake or the login provider does not answer") from None


async def _answer(client: httpx.AsyncClient, method: str, path: str) -> Mapping[str, str] | None:
    """What intake answers; None when it knows nothing of it (any more)."""
    answer = await client.request(method, path)
    if answer.status_code == HTTPStatus.NOT_FOUND:
        return None
    if answer.is_error:
        raise TransientError(f"intake answered {answer.status_code}")
    content: Mapping[str, str] = answer.json()
    return content
