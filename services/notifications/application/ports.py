"""What mails and webhooks need from outside: addresses, texts, a mail server, who asked, the servers of partners."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum, auto
from typing import Protocol
from uuid import UUID

from services.notifications.domain.message import Message


class Addresses(Protocol):
    """Mail addresses of organisations."""

    def address_of(self, recipient: str, on: date) -> str | None:
        """The address on that day, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Asker:
    """A person who asked a question: known while a mail is sent, and kept nowhere."""

    email: str = field(repr=False)
    link: str = field(repr=False)
    """To the page where the question can be followed: whoever has it can read the question."""


class Askers(Protocol):
    """Who asked: the service that has the vault tells, and writes down that it did."""

    async def find(self, question_id: UUID, case_id: UUID) -> Asker | None:
        """Who asked this question, with a new link to its case; None when nobody left an address.

        Raises:
            TransientError: nobody answers now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """Subject and body of a mail."""

    subject: str
    body: str


class Templates(Protocol):
    """The texts of the letters."""

    def render(self, message: Message, on: date, link: str | None = None) -> Text:
        """The text of a message, in the words of that day; with a private link, which no message holds."""
        ...


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to send. `id` stays the same when it is handed over again."""

    id: UUID
    to: str
    text: Text
    at: datetime


class Answer(Enum):
    """The outcome of one attempt to hand over a mail or a webhook."""

    ACCEPTED = auto()
    REFUSED = auto()
    """refused for good: trying again makes no sense"""
    NOT_NOW = auto()
    """busy, unreachable or no answer: it may have arrived or not"""


class Mailer(Protocol):
    """Sends mails."""

    async def send(self, mail: Mail) -> Answer:
        """Hand it over once; the caller decides whether to try again."""
        ...


@dataclass(frozen=True, slots=True)
class Post:
    """A webhook to post. `id` stays the same when it is posted again."""

    id: UUID
    url: str
    body: bytes
    at: datetime


class Receiver(Protocol):
    """Posts webhooks to the server of one partner."""

    async def post(self, post: Post) -> Answer:
        """Post it once; the caller decides whether to try again."""
        ...
