"""Finds every violation of a guarantee, from what was sent, what the database holds and what is on the topics.

Pure functions over an `Evidence`: one function per kind of violation.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from uuid import UUID

from tests.chaos.traffic import Draft, Kind, Sent

Place = tuple[int, int]
"""Partition and offset, on the topic of the deposits."""


class Violation(StrEnum):
    """What may never happen, whatever crashes."""

    LOST = "lost"
    """a deposit had no effect, or its event was not published"""
    GHOST = "ghost"
    """an event is published that the database does not hold"""
    DOUBLED = "doubled effect"
    """a deposit counted twice"""
    REORDERED = "reordered per key"
    """events of one account, or deposits on it, are not in the order in which they were sent"""
    SKIPPED = "committed past an undecided record"
    """an offset is committed past a record that was neither handled nor set aside"""
    MISCOUNTED = "accepted + refused != received"
    """a record was both accepted and refused, or neither, or the wrong one of the two"""
    BEHIND = "lag not back to zero"
    """something is still waiting although nothing fails any more"""
    REPEATED = "published twice without a cause"
    """an event is on its topic twice although no publishing process ever died"""


@dataclass(frozen=True, slots=True)
class Broken:
    """One violation, with its keys and ids."""

    violation: Violation
    detail: str


@dataclass(frozen=True, slots=True)
class Published:
    """An event on its topic."""

    partition: int
    offset: int
    id: str
    cause: str
    account: UUID
    sequence: int
    number: int
    balance: int


@dataclass(frozen=True)
class Evidence:
    """Everything that the oracle looks at."""

    sent: list[Sent]
    inbox: set[str] = field(default_factory=set)
    """Ids of the events that were handled."""
    refused: set[Place] = field(default_factory=set)
    """The places of records that are open dead letters."""
    accounts: dict[UUID, tuple[int, int]] = field(default_factory=dict)
    """Version and balance."""
    published: list[Published] = field(default_factory=list)
    """In the order of partitions and offsets."""
    waiting: int = 0
    """Rows of the outbox."""
    committed: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)

    @cached_property
    def in_order(self) -> list[Sent]:
        """The records that were sent, in the order of the topic."""
        return sorted(self.sent, key=lambda one: (one.partition, one.offset))

    @cached_property
    def due(self) -> dict[str, Draft]:
        """The deposits that have to be handled, by id: all but those behind a bad record of their key."""
        parked = set()
        due: dict[str, Draft] = {}
        for one in self.in_order:
            if one.draft.kind is Kind.POISON and one.draft.key:
                parked.add(one.draft.key)
            elif one.draft.kind is Kind.DEPOSIT and one.draft.key not in parked:
                due.setdefault(one.draft.id, one.draft)
        return due

    @cached_property
    def due_by_account(self) -> dict[UUID, list[Draft]]:
        """The deposits that have to be handled, per account and in order."""
        by_account: dict[UUID, list[Draft]] = defaultdict(list)
        for draft in self.due.values():
            assert draft.deposit
            by_account[draft.deposit.account_id].append(draft)
        return by_account


def judge(evidence: Evidence, *, calm: bool = False) -> list[Broken]:
    """Every violation, once the platform is quiet again. `calm`: no publishing process ever died."""
    checks = [lost, ghosts, doubled, reordered, skipped, miscounted, behind]
    if calm:
        checks.append(repeated)
    return _found(checks, evidence)


def judge_while_down(evidence: Evidence) -> list[Broken]:
    """The violations that may not exist at any moment, checked while every process of the service is dead."""
    return _found([ghosts, doubled, reordered, skipped], evidence)


def _found(checks: Sequence[Callable[[Evidence], Iterator[Broken]]], evidence: Evidence) -> list[Broken]:
    return [broken for check in checks for broken in check(evidence)]


def lost(evidence: Evidence) -> Iterator[Broken]:
    """Every deposit has its effect, and its event is published."""
    published = {one.cause for one in evidence.published}
    for id_, draft in evidence.due.items():
        missing = [
            where for where, there in (("inbox", id_ in evidence.inbox), ("topic", id_ in published)) if not there
        ]
        if missing:
            yield Broken(Violation.LOST, f"deposit {_name(draft)}: not in {', not in '.join(missing)}")
    for account, drafts in evidence.due_by_account.items():
        version, balance = evidence.accounts.get(account, (0, 0))
        due = _total(drafts)
        if version < len(drafts):
            yield Broken(Violation.LOST, f"account {account}: {version} effects of {len(drafts)}, {balance} of {due}")


def ghosts(evidence: Evidence) -> Iterator[Broken]:
    """Every published event is in the database."""
    for one in evidence.published:
        version, _ = evidence.accounts.get(one.account, (0, 0))
        if one.sequence > version or one.cause not in evidence.inbox:
            yield Broken(
                Violation.GHOST, f"event {one.id} of account {one.account}: {one.sequence}, kept are {version}"
            )


def doubled(evidence: Evidence) -> Iterator[Broken]:
    """No deposit counts twice, neither in the account nor among the events."""
    events: dict[str, set[str]] = defaultdict(set)
    for one in evidence.published:
        events[one.cause].add(one.id)
    for cause, ids in events.items():
        if len(ids) > 1:
            yield Broken(Violation.DOUBLED, f"deposit {cause}: {len(ids)} events, {', '.join(sorted(ids))}")
    for account, (version, balance) in evidence.accounts.items():
        drafts = evidence.due_by_account.get(account, [])
        due = _total(drafts)
        if version > len(drafts) or balance > due:
            yield Broken(
                Violation.DOUBLED,
                f"account {account}: {version} effects of {len(drafts)}, {balance} of {due}",
            )


def reordered(evidence: Evidence) -> Iterator[Broken]:
    """First appearances have to be in order; a repetition may come at any time, because every inbox drops it."""
    sequences: Counter[UUID] = Counter()
    numbers: dict[UUID, int] = {}
    for one in evidence.published:
        at = f"{one.partition}/{one.offset}, account {one.account}"
        if one.sequence > sequences[one.account] + 1:
            yield Broken(Violation.REORDERED, f"{at}: event {one.sequence} after {sequences[one.account]}")
        if one.sequence > sequences[one.account]:
            if one.number <= numbers.get(one.account, 0):
                yield Broken(Violation.REORDERED, f"{at}: deposit {one.number} after {numbers[one.account]}")
            sequences[one.account] = one.sequence
            numbers[one.account] = one.number


def skipped(evidence: Evidence) -> Iterator[Broken]:
    """Every record before the committed offset was handled or set aside."""
    for one in evidence.in_order:
        if one.offset < evidence.committed.get(one.partition, 0) and not _decided(evidence, one):
            yield Broken(Violation.SKIPPED, f"{one.partition}/{one.offset}: {_name(one.draft)}")


def miscounted(evidence: Evidence) -> Iterator[Broken]:
    """Each record is accepted or refused, never both. Refused are bad records and those that wait behind one."""
    received = sum(evidence.ends.values())
    if received != len(evidence.sent):
        yield Broken(Violation.MISCOUNTED, f"{len(evidence.sent)} sent, {received} on the topic")
    for one in evidence.in_order:
        accepted = one.draft.id in evidence.inbox
        refused = _refused(evidence, one)
        if one.draft.kind is Kind.UNKNOWN:
            plan = (False, False)
        else:
            plan = (one.draft.id in evidence.due, one.draft.id not in evidence.due)
        if (accepted, refused) != plan:
            found = f"accepted {accepted}, refused {refused}, it should be {plan[0]}, {plan[1]}"
            yield Broken(Violation.MISCOUNTED, f"{one.partition}/{one.offset}, {_name(one.draft)}: {found}")


def behind(evidence: Evidence) -> Iterator[Broken]:
    """Everything is consumed and published."""
    for partition, end in evidence.ends.items():
        if lag := end - evidence.committed.get(partition, 0):
            yield Broken(Violation.BEHIND, f"partition {partition}: {lag} of {end} not committed")
    if evidence.waiting:
        yield Broken(Violation.BEHIND, f"{evidence.waiting} events not published")


def repeated(evidence: Evidence) -> Iterator[Broken]:
    """Without a crash no event is published twice."""
    for id_, number in Counter(one.id for one in evidence.published).items():
        if number > 1:
            yield Broken(Violation.REPEATED, f"event {id_}: {number} times")


def _refused(evidence: Evidence, one: Sent) -> bool:
    return (one.partition, one.offset) in evidence.refused


def _decided(evidence: Evidence, one: Sent) -> bool:
    return one.draft.kind is Kind.UNKNOWN or one.draft.id in evidence.inbox or _refused(evidence, one)


def _total(drafts: list[Draft]) -> int:
    return sum(draft.deposit.amount for draft in drafts if draft.deposit)


def _name(draft: Draft) -> str:
    if draft.deposit is None:
        return f"{draft.kind.name.lower()} with key {draft.key!r}"
    return f"{draft.id} (account {draft.deposit.account_id}, number {draft.deposit.number})"
