"""What mails and webhooks have in common: their status, and how long to wait between attempts."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Status(StrEnum):
    """How far a mail or webhook is."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"
    NO_ADDRESS = "NO_ADDRESS"
    """who it is for left no address: there is no mail, and nothing went wrong"""


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """How long to wait after each failed attempt; there is one attempt more than there are waits."""

    waits: tuple[timedelta, ...]

    def after(self, attempts: int) -> timedelta | None:
        """The wait after so many attempts; None when no attempt is left."""
        return self.waits[attempts - 1] if attempts <= len(self.waits) else None


WITH_MAILS = RetrySchedule(
    (
        timedelta(seconds=30),
        timedelta(minutes=2),
        timedelta(minutes=10),
        timedelta(hours=1),
        timedelta(hours=6),
    )
)
"""Little more than seven hours: the recipient has to act within working days, so a person can still call in time."""

WITH_WEBHOOKS = RetrySchedule(
    (
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=5),
        timedelta(hours=10),
        timedelta(hours=14),
        timedelta(hours=20),
        timedelta(hours=24),
    )
)
"""Little more than three days, as Standard Webhooks proposes: longer than a weekend."""
