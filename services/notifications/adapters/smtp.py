"""Hands mails to the mail server, one attempt per call, and returns the outcome."""

import asyncio
from email.message import EmailMessage
from email.utils import format_datetime

import structlog
from aiosmtplib import (
    SMTP,
    SMTPConnectError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
)

from services.notifications.application.ports import Answer, Mail

log = structlog.get_logger("smtp")

PERMANENT = 500
"""SMTP replies from this code on are final; after a lower one another attempt may succeed."""


class SmtpMailer:
    """Sends mails one by one over one connection, which is closed as soon as no mail is waiting."""

    def __init__(self, host: str, port: int, sender: str, domain: str, timeout: float = 20.0) -> None:
        self._host = host
        self._port = port
        self._sender = sender
        self._domain = domain
        self._timeout = timeout
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._outages = 0
        self._connection: SMTP | None = None

    async def send(self, mail: Mail) -> Answer:
        """Hand a mail over, with a Message-ID that is the same at every attempt.

        When the server cannot be reached or does not answer, the mails that wait behind this one are not tried either:
        each of them would wait for the same time-out.
        """
        outages = self._outages
        self._waiting += 1
        try:
            async with self._turn:
                return await self._attempt(mail) if outages == self._outages else Answer.NOT_NOW
        finally:
            self._waiting -= 1
            if not self._waiting:
                await self._hang_up()

    async def _attempt(self, mail: Mail) -> Answer:
        try:
            async with asyncio.timeout(self._timeout):
                connection = await self._connected()
                await connection.send_message(self._compose(mail))
        except SMTPRecipientsRefused as error:
            return _verdict(mail, error.recipients[0].code)
        except SMTPDataError as error:
            return _verdict(mail, error.code)
        except (SMTPException, OSError) as error:
            if isinstance(error, SMTPConnectError | TimeoutError):
                self._outages += 1
            self._drop()
            log.warning("no mail connection", message=str(mail.id), error=type(error).__name__)
            return Answer.NOT_NOW
        return Answer.ACCEPTED

    async def _connected(self) -> SMTP:
        if self._connection is None or not self._connection.is_connected:
            self._connection = SMTP(hostname=self._host, port=self._port, local_hostname=self._domain)
            await self._connection.connect()
        return self._connection

    def _compose(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = mail.to
        message["Subject"] = mail.text.subject
        message["Date"] = format_datetime(mail.at)
        message["Message-ID"] = f"<{mail.id}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text.body)
        return message

    def _drop(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    async def _hang_up(self) -> None:
        """Close the connection; the next mail opens a new one."""
        connection, self._connection = self._connection, None
        if connection and connection.is_connected:
            try:
                await connection.quit(timeout=1)
            except (SMTPException, OSError):
                connection.close()


def _verdict(mail: Mail, code: int) -> Answer:
    answer = Answer.REFUSED if code >= PERMANENT else Answer.NOT_NOW
    log.warning("mail not accepted", message=str(mail.id), code=code, answer=answer.name)
    return answer
