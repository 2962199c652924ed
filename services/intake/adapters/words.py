"""The Dutch words that pages show for codes, and the numbers that somebody in distress may call."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from contracts.codelists.dated import Dated


@dataclass(frozen=True, slots=True)
class Label(Dated):
    """The Dutch word for a code of one of the lists."""

    vocabulary: str
    code: str
    label_nl: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class ServiceName(Dated):
    """How a page names a service of the referral directory, which belongs to referral."""

    service_id: str
    name: str
    valid_from: date
    valid_to: date | None

    def as_label(self) -> Label:
        """Its name as the word for its id."""
        return Label("service", self.service_id, self.name, self.valid_from, self.valid_to)


@dataclass(frozen=True, slots=True)
class CrisisNumber(Dated):
    """A number to call, and for what."""

    number: str
    service: str
    subject: str
    valid_from: date
    valid_to: date | None


class Labels:
    """The Dutch word for every code that a page may show."""

    def __init__(self, labels: Iterable[Label]) -> None:
        oldest_first = sorted(labels, key=lambda label: label.valid_from)
        self._words = {(label.vocabulary, label.code): label.label_nl for label in oldest_first}

    def of(self, vocabulary: str, code: str) -> str:
        """The newest word for a code; a code without a word is returned as it is."""
        return self._words.get((vocabulary, code), code)


def short_number(case_id: UUID) -> str:
    """What one says over the telephone: `7C21-90AF`, the end of the id, because the beginning is its time."""
    digits = case_id.hex[-8:].upper()
    return f"{digits[:4]}-{digits[4:]}"
