"""Due dates in Belgian working days: how every `due_on` and `sla_days` is counted."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache


@dataclass(frozen=True, eq=False)
class WorkingDays:
    """Monday to Friday, without the holidays."""

    holidays: Container[date]

    @lru_cache(1_000)  # noqa: B019 - there is one calendar in a process
    def after(self, day: date, number: int) -> date:
        """The working day that comes `number` working days after `day`; for 0 the day itself, or the next one."""
        while not self.includes(day):
            day += timedelta(days=1)
        for _ in range(number):
            day += timedelta(days=1)
            while not self.includes(day):
                day += timedelta(days=1)
        return day

    def between(self, day: date, last: date) -> int:
        """The number for which `after(day, number)` is `last`; 0 when `last` is earlier."""
        first = self.after(day, 0)
        return sum(self.includes(first + timedelta(days=number)) for number in range(1, (last - first).days + 1))

    def includes(self, day: date) -> bool:
        """Is this a working day?"""
        return day.weekday() < 5 and day not in self.holidays
