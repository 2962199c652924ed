"""The records that are sent to the ledger: deposits in order per account, duplicates, and bad records."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import count
from uuid import UUID

from chassis.testing.builders import an_envelope
from tests.chaos.workload import Deposited, Opened

ACCOUNTS = 24
RawHeaders = tuple[tuple[str, bytes | None], ...]


class Kind(Enum):
    """What has to happen to a record."""

    DEPOSIT = auto()
    """handled, once"""
    POISON = auto()
    """set aside, and its key parked"""
    UNKNOWN = auto()
    """ignored, because the ledger has no handler for its type"""


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to send. Only a deposit has an `id` and a `deposit`."""

    kind: Kind
    key: bytes | None
    headers: RawHeaders
    value: bytes | None
    id: str = ""
    deposit: Deposited | Opened | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A record as the broker acknowledged it."""

    draft: Draft
    partition: int
    offset: int


class Traffic:
    """Makes drafts; the same seed makes the same drafts."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.accounts = [self._uuid() for _ in range(ACCOUNTS)]
        self.opened: list[UUID] = []
        """Accounts that were opened by an Opened event, latest last."""
        self._numbers: defaultdict[UUID, count[int]] = defaultdict(lambda: count(1))

    def _uuid(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    def deposits(self, number: int) -> list[Draft]:
        """So many deposits. The first third opens new accounts, so that whole batches load nothing."""
        return [self.opening() for _ in range(number // 3)] + self.bookings(number - number // 3)

    def bookings(self, number: int) -> list[Draft]:
        """So many deposits on random accounts, which have to be loaded."""
        accounts = [*self.accounts, *self.opened[-ACCOUNTS:]]
        return [self.deposit(self.chance.choice(accounts)) for _ in range(number)]

    def opening(self) -> Draft:
        """The first deposit on a new account."""
        account = self._uuid()
        self.opened.append(account)
        return self._draft(Opened(account_id=account, number=next(self._numbers[account]), amount=self._amount()))

    def deposit(self, account: UUID, *, disputed: bool = False) -> Draft:
        """The next deposit on an account."""
        number = next(self._numbers[account])
        return self._draft(Deposited(account_id=account, number=number, amount=self._amount(), disputed=disputed))

    def _amount(self) -> int:
        return self.chance.randint(1, 100)

    def _draft(self, deposit: Deposited | Opened) -> Draft:
        id_ = str(self._uuid())
        headers = tuple(an_envelope(deposit, id_=id_, sequence=deposit.number).headers())
        return Draft(Kind.DEPOSIT, str(deposit.account_id).encode(), headers, deposit.to_json(), id_, deposit)

    def doubled(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Every third draft twice, the second up to thirty records later."""
        places = [(float(at), draft) for at, draft in enumerate(drafts)]
        places += [(at + self.chance.uniform(0, 30), draft) for at, draft in places[::3]]
        return [draft for _, draft in sorted(places, key=lambda place: place[0])]

    def poisoned(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Every kind of bad record at random places, on four of the accounts and under separate keys."""
        mixed = list(drafts)
        bad = list(self._bad(drafts[0]))
        self.chance.shuffle(bad)
        accounts = [*self.chance.sample(self.accounts, 3), self.chance.choice(self.opened)]
        keys: list[bytes | None] = [str(account).encode() for account in accounts]
        if bad[len(keys)].value is None:  # no client sends a record without key and value
            bad[0], bad[len(keys)] = bad[len(keys)], bad[0]
        keys += [None, *(str(self._uuid()).encode() for _ in bad[len(keys) + 1 :])]
        for one, key in zip(bad, keys, strict=True):
            at = self.chance.randrange(len(mixed) // 4, len(mixed))
            mixed.insert(at, replace(one, key=key))
        return mixed

    def _bad(self, good: Draft) -> Iterable[Draft]:
        """The bad records, made from a good one."""
        for value in bad_values(good.value or b""):
            yield Draft(Kind.POISON, None, self._with_new_id(good.headers), value)
        for headers in bad_headers(good.headers):
            yield Draft(Kind.POISON, None, headers, good.value)
        unknown = (*_without(good.headers, "ce_type"), ("ce_type", b"be.duaalwest.ledger.Forgotten.v1"))
        yield Draft(Kind.UNKNOWN, None, unknown, b"{}")

    def _with_new_id(self, headers: RawHeaders) -> RawHeaders:
        return (*_without(headers, "ce_id"), ("ce_id", str(self._uuid()).encode()))


def bad_values(good: bytes) -> list[bytes | None]:
    """Values that are not a valid deposit."""
    return [
        None,
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        good.replace(b'"amount":', b'"amount":NaN,"x":'),
        good.replace(b'"amount":', b'"amount":1e999,"x":'),
        good.replace(b'"amount":', b'"amount":' + b"9" * 40 + b',"x":'),
        good.replace(b'"amount":', b'"amount":' + b"9" * 5_000 + b',"x":'),
        good[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"account_id":"' + b"x" * 1_000_000 + b'"}',
    ]


def bad_headers(good: RawHeaders) -> list[RawHeaders]:
    """Headers that are not a CloudEvent."""
    return [
        (),
        (*_without(good, "ce_source"), ("ce_source", None)),
        (*_without(good, "ce_id"), ("ce_id", b"\xff\xfe")),
        (*_without(good, "ce_id"), ("ce_id", b"\x00")),
        (*good, ("ce_id", b"again")),
        (*_without(good, "ce_time"), ("ce_time", b"yesterday")),
    ]


def _without(headers: RawHeaders, name: str) -> RawHeaders:
    return tuple((header, value) for header, value in headers if header != name)
