"""A real SMTP server for the demo and the tests: it keeps each message and writes down each delivery.

python -m deploy.local.mail --host 127.0.0.1 --port 2525 --mailbox FOLDER
"""

import argparse
import asyncio
import email
import hashlib
import smtplib
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiosmtpd.smtp import SMTP

from deploy.local import files
from deploy.local.process import ProcessServer

JOURNAL = "deliveries.log"
REFUSED = {
    "weigert": "550 5.1.1 This mailbox refuses all mail",
    "later": "451 4.2.1 This mailbox is busy, try again later",
}


@dataclass(frozen=True)
class Delivery:
    """One acceptance of a message for one recipient."""

    at: datetime
    message_id: str
    recipient: str


def deliveries(mailbox: Path) -> list[Delivery]:
    """All acceptances so far, oldest first; a message that was sent twice is here twice."""
    journal = mailbox / JOURNAL
    if not journal.exists():
        return []
    lines = (line.split("\t") for line in journal.read_text().splitlines())
    return [Delivery(datetime.fromisoformat(at), message_id, recipient) for at, message_id, recipient in lines]


def messages(mailbox: Path) -> list[EmailMessage]:
    """What is in the mailbox, oldest first: one message per Message-ID."""
    kept = sorted(mailbox.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
    return [_parse(file.read_bytes()) for file in kept]


def _parse(content: bytes) -> EmailMessage:
    # Lines end in CRLF on the wire; readers of the text expect the line ends of Python.
    lines = content.replace(b"\r\n", b"\n")
    return email.message_from_bytes(lines, _class=EmailMessage, policy=default)


def mail_server(home: Path, host: str, port: int) -> ProcessServer:
    def command() -> list[str]:
        address = ("--host", host, "--port", str(port))
        return [sys.executable, "-m", __name__, *address, "--mailbox", str(mailbox_of(home))]

    return ProcessServer("mail", home, port, command=command, answers=partial(_answers, host, port))


def mailbox_of(home: Path) -> Path:
    return home / "mailbox"


class Mailbox:
    """The handler that aiosmtpd calls for each recipient and each message."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._journal = folder / JOURNAL

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds its hooks by these names
        self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        refusal = REFUSED.get(address.partition("@")[0].lower())
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:  # noqa: N802
        message_id = _message_id(envelope.content)
        files.write(self._folder / _file_name(message_id), envelope.content)
        now = datetime.now(UTC).isoformat()
        with self._journal.open("a") as journal:
            journal.writelines(f"{now}\t{message_id}\t{recipient}\n" for recipient in envelope.rcpt_tos)
        return "250 OK, delivered"


def _message_id(content: bytes) -> str:
    """Its Message-ID on one line; for a message without one, a hash of its content."""
    written = " ".join(str(email.message_from_bytes(content)["Message-ID"] or "").split())
    return written or f"<{hashlib.sha256(content).hexdigest()}@no-message-id>"


def _file_name(message_id: str) -> str:
    safe = quote(message_id, safe="@<>")
    return f"{safe if len(safe) < 200 else hashlib.sha256(safe.encode()).hexdigest()}.eml"


def _answers(host: str, port: int) -> bool:
    try:
        with smtplib.SMTP(host, port, timeout=2) as client:
            return client.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


async def _serve(host: str, port: int, mailbox: Path) -> None:
    session = partial(SMTP, Mailbox(mailbox), hostname="mail.localhost", enable_SMTPUTF8=True)
    server = await asyncio.get_running_loop().create_server(session, host, port)
    await server.serve_forever()


def main() -> None:
    arguments = argparse.ArgumentParser(description="SMTP server that keeps its mail in a folder")
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--mailbox", type=Path, required=True)
    given = arguments.parse_args()
    given.mailbox.mkdir(parents=True, exist_ok=True)
    asyncio.run(_serve(given.host, given.port, given.mailbox))


if __name__ == "__main__":
    main()
