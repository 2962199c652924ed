"""A partner may send a number of messages per calendar minute, by the minute in which they reached us."""

from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime
from math import ceil

MINUTES = 100
"""Minutes that are counted per partner. More than one, because partitions that are read late are read in parallel."""


class Quotas:
    """The accepted messages of each partner, by minute. Each process counts its own: see docs/decisions/0017."""

    def __init__(self) -> None:
        self._accepted: dict[str, OrderedDict[int, set[str]]] = {}

    def admit(self, partner: str, per_minute: int, at: datetime, places: Collection[str]) -> bool:
        """Accept all of these, if the quota of their minute allows it. A place that was accepted counts once."""
        minute = int(at.timestamp()) // 60
        accepted = self._minute(partner, minute)
        new = set(places) - accepted
        if len(accepted) + len(new) > per_minute:
            return False
        accepted |= new
        return True

    @staticmethod
    def seconds_left(at: datetime) -> int:
        """Seconds until the next minute begins, at least one."""
        return max(1, ceil(60 - at.timestamp() % 60))

    def _minute(self, partner: str, minute: int) -> set[str]:
        minutes = self._accepted.setdefault(partner, OrderedDict())
        if minute not in minutes and len(minutes) == MINUTES:
            minutes.popitem(last=False)
        return minutes.setdefault(minute, set())
