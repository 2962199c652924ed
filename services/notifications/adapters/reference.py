"""Mail addresses and Dutch words for codes, from dated data."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import EmailStr

from chassis.reference import read_rows
from contracts.codelists.dated import Dated

REFERENCE = Path(__file__).parent.parent / "reference"


@dataclass(frozen=True, slots=True)
class Address(Dated):
    """Where an organisation wants its mail."""

    recipient_id: str
    email: EmailStr
    valid_from: date
    valid_to: date | None


class AddressBook:
    """All addresses."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        self._addresses: dict[str, list[Address]] = {}
        for address in addresses:
            self._addresses.setdefault(address.recipient_id, []).append(address)

    def address_of(self, recipient: str, on: date) -> str | None:
        """The address that is valid on that day; the newest when two are."""
        valid = [address for address in self._addresses.get(recipient, ()) if address.valid_on(on)]
        return max(valid, key=lambda address: address.valid_from).email if valid else None


@dataclass(frozen=True, slots=True)
class Label(Dated):
    """The Dutch word for a code of one of the vocabulary's lists."""

    vocabulary: str
    code: str
    label_nl: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class TopicLabel(Dated):
    """What a question is about, in words that fit after "over"."""

    topic: str
    label_nl: str
    valid_from: date
    valid_to: date | None


class Labels:
    """The Dutch word for every code."""

    def __init__(self, labels: Iterable[Label]) -> None:
        self._labels: dict[tuple[str, str], list[Label]] = {}
        for label in labels:
            self._labels.setdefault((label.vocabulary, label.code), []).append(label)

    def word_for(self, vocabulary: str, code: str, on: date) -> str:
        """The word of that day; a code without a word is returned as it is."""
        valid = (label.label_nl for label in self._labels.get((vocabulary, code), ()) if label.valid_on(on))
        return next(valid, code)


def read_addresses() -> list[Address]:
    """The addresses of `reference/`."""
    return read_rows(REFERENCE / "addresses.csv", Address)


def read_labels() -> Labels:
    """The words of `reference/`."""
    topics = read_rows(REFERENCE / "topics.csv", TopicLabel)
    of_topics = [Label("topic", row.topic, row.label_nl, row.valid_from, row.valid_to) for row in topics]
    return Labels([*of_topics, *read_rows(REFERENCE / "labels.csv", Label)])
