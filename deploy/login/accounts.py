"""Who can sign in on the local stack: invented people in one file, programs with a secret in another."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Account:
    """Whom a token is about."""

    subject: str
    """Of a person it says nothing; of a program it is the client id."""
    roles: tuple[str, ...]
    institution: str | None
    """The number of the school that it speaks for."""


@dataclass(frozen=True)
class Person:
    """One button of the page."""

    name: str
    task: str
    account: Account


def people() -> list[Person]:
    """In the order of the page."""
    return [Person(row["name"], row["task"], _account(row)) for row in _rows("people.csv")]


def clients() -> dict[str, Account]:
    """The programs, by client id."""
    return {row["subject"]: _account(row) for row in _rows("clients.csv")}


def _account(row: dict[str, str]) -> Account:
    return Account(row["subject"], tuple(row["roles"].split()), row["institution"] or None)


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)
