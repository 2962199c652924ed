"""What mails and webhooks need of the world outside: addresses, texts, a mail server, the servers of partners."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, auto
from typing import Protocol
from uuid import UUID

from services.notifications.domain.message import Message


class Addresses(Protocol):
    """Where organisations want their mail."""

    def address_of(self, recipient: str, on: date) -> str | None:
        """The address on that day, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """What a reader sees."""

    subject: str
    body: str


class Templates(Protocol):
    """The texts of the letters."""

    def render(self, message: Message, on: date) -> Text:
        """The text of a message, in the words of that day."""
        ...


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail on its way out. With the same `id` it is the same mail, however often it is handed over."""

    id: UUID
    to: str
    text: Text
    at: datetime


class Answer(Enum):
    """What came of handing a mail or a webhook over."""

    ACCEPTED = auto()
    REFUSED = auto()
    """for good: trying again makes no sense"""
    NOT_NOW = auto()
    """busy, unreachable or silent: perhaps it arrived, perhaps not"""


class Mailer(Protocol):
    """The way to the mail server."""

    async def send(self, mail: Mail) -> Answer:
        """Hand it over once; whether to try again is for the caller."""
        ...


@dataclass(frozen=True, slots=True)
class Post:
    """A webhook on its way out. With the same `id` it is the same webhook, however often it is posted."""

    id: UUID
    url: str
    body: bytes
    at: datetime


class Receiver(Protocol):
    """The way to one partner."""

    async def post(self, post: Post) -> Answer:
        """Post it once; whether to try again is for the caller."""
        ...
