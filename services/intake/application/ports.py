"""What intake's handlers need from outside."""

from dataclasses import dataclass
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
