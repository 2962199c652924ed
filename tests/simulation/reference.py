"""The reference for the pipeline: a few lines that handle each distinct event once, in order."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from chassis.handling import PermanentError, TransientError
from chassis.record import Record

ATTEMPTS = 2
"""Attempts of one record alone that may fail with a transient error, after one attempt with its whole batch."""


class Mood(StrEnum):
    """What is wrong with a record, or with the handler when it gets it."""

    FINE = "fine"
    SHAKY = "shaky"
    """the handler fails once"""
    EXHAUSTING = "exhausting"
    """the handler fails until the retry policy is exhausted, then it works"""
    STRANDED = "stranded"
    """a dependency of the handler is down for a while"""
    REFUSED = "refused"
    """the handler always refuses it"""
    INVALID_DATA = "invalid data"
    INVALID_ENVELOPE = "invalid envelope"
    UNKNOWN_TYPE = "unknown type"

    @property
    def hopeless(self) -> bool:
        """Will it never be handled?"""
        return self in (Mood.REFUSED, Mood.INVALID_DATA, Mood.INVALID_ENVELOPE)

    @property
    def may_be_set_aside(self) -> bool:
        """May it become a dead letter by itself?"""
        return self.hopeless or self is Mood.EXHAUSTING

    def troubles(self) -> list[Exception]:
        """The errors of the handler, one per attempt."""
        match self:
            case Mood.SHAKY:
                return [TransientError("busy")]
            case Mood.EXHAUSTING:
                return [TransientError("busy")] * (ATTEMPTS + 1)
            case Mood.STRANDED:
                return [OSError("down")] * 2
            case Mood.REFUSED:
                return [PermanentError("no")] * 1_000
            case _:
                return []

    def spoil(self, record: Record) -> Record:
        """The record as it is sent, with its defect."""
        match self:
            case Mood.INVALID_DATA:
                return record._replace(value=b"{")
            case Mood.INVALID_ENVELOPE:
                return record._replace(headers=[])
            case Mood.UNKNOWN_TYPE:
                return record._replace(headers=[(n, b"x" if n == "ce_type" else v) for n, v in record.headers])
            case _:
                return record


@dataclass(frozen=True)
class Received:
    """A record, with what the reference needs of it. An event that is sent again has the same amount."""

    record: Record
    key: UUID
    amount: int
    mood: Mood


@dataclass
class Reference:
    """The expected state."""

    totals: defaultdict[UUID, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Per key, every total that has to be published."""
    undecided: list[Received] = field(default_factory=list)
    """Records that wait behind an open dead letter and are not dead letters themselves."""


def reference(received: Iterable[Received], waiting: Collection[str], discarded: Collection[str]) -> Reference:
    """The expected state, given the places of open dead letters and of those that an operator discarded."""
    should_be = Reference()
    stopped: set[UUID] = set()
    seen: set[int] = set()
    for one in received:
        place = one.record.place
        if place in waiting:
            stopped.add(one.key)
            seen.add(one.amount)  # a repetition of a waiting event need not wait too
        elif one.mood is Mood.UNKNOWN_TYPE or place in discarded or one.amount in seen:
            continue
        elif one.key in stopped:
            should_be.undecided.append(one)
        else:
            seen.add(one.amount)
            should_be.totals[one.key].append(one.amount + (should_be.totals[one.key] or [0])[-1])
    return should_be
