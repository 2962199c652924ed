"""A code list is a CSV beside this file; a row holds from its first day to its last and is never deleted."""

import csv
from collections.abc import Iterator
from datetime import date
from importlib.resources import files


class Dated:
    """Something that is valid from a first day to a last one; without a last day there is no end."""

    __slots__ = ()

    valid_from: date
    valid_to: date | None

    def valid_on(self, day: date) -> bool:
        """Is it valid on this day?"""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of one code list, as text."""
    text = files(__package__).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())


def last_day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
