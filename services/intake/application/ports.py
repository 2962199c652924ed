"""What intake's handlers need from outside."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without national register numbers, and how many were taken out."""

    text: str
    removed: int


class Redactor(Protocol):
    """Finds national register numbers."""

    def __call__(self, text: str) -> Redacted:
        """The text without them."""
        ...


class Quota(Protocol):
    """How much a sender may send."""

    @property
    def events_per_minute(self) -> int: ...


class Sender(Protocol):
    """The sender of a message, with what its manifest allows."""

    @property
    def id(self) -> str: ...

    @property
    def quota(self) -> Quota: ...

    def owns(self, source: str) -> bool:
        """Whether this `ce_source` belongs to the sender."""
        ...

    def may_publish(self, type_: str, on: date) -> bool:
        """Whether the sender may send events of this type on this day."""
        ...
