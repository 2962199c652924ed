"""A Kafka record as the pipeline sees it, and the six ways in which it can end."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """How a record ended. The metric's label, the log's field and the test's assertion are this word."""

    HANDLED = "HANDLED"
    """its handler ran and everything is committed"""
    DUPLICATE = "DUPLICATE"
    """it was handled before; nothing happened"""
    IGNORED = "IGNORED"
    """no handler here for its type"""
    PARKED = "PARKED"
    """an earlier record of its key is a dead letter; it waits behind it"""
    DEAD_LETTERED = "DEAD_LETTERED"
    """it was set aside, for a person to look at"""
    HALTED = "HALTED"
    """too many dead letters: the service stops and leaves it where it is"""


class Record(NamedTuple):
    """What one poll returned: `headers` in the order they were sent, a header's or record's value may be None."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None
    at: datetime | None = None
    """When the broker took it; None when it comes from our own keeping."""

    @property
    def place(self) -> str:
        """Where it stands, for people: topic/partition/offset."""
        return f"{self.topic}/{self.partition}/{self.offset}"
