"""How many messages of a partner come in: so many per calendar minute, of whatever minute they reached us in."""

from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime
from math import ceil

MINUTES = 100
"""Minutes of one partner that are remembered: a service that catches up reads several partitions side by side."""


class Quotas:
    """What was let in of each partner, by minute. One process's own: see docs/decisions/0017."""

    def __init__(self) -> None:
        self._let_in: dict[str, OrderedDict[int, set[str]]] = {}

    def admit(self, partner: str, per_minute: int, at: datetime, places: Collection[str]) -> bool:
        """Is there room in this minute for all of these? The same place asked again gets the same answer."""
        minute = int(at.timestamp()) // 60
        let_in = self._minute(partner, minute)
        new = set(places) - let_in
        if len(let_in) + len(new) > per_minute:
            return False
        let_in |= new
        return True

    @staticmethod
    def seconds_left(at: datetime) -> int:
        """Until the next minute begins: at least one."""
        return max(1, ceil(60 - at.timestamp() % 60))

    def _minute(self, partner: str, minute: int) -> set[str]:
        minutes = self._let_in.setdefault(partner, OrderedDict())
        if minute not in minutes and len(minutes) == MINUTES:
            minutes.popitem(last=False)
        return minutes.setdefault(minute, set())
