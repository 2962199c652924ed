"""The model that the pipeline is compared with: a few lines that handle each distinct event once, in order."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from chassis.handling import PermanentError, TransientError
from chassis.record import Record

PATIENCE = 2
"""So many attempts of one record alone may fail in a way that passes; before that one fails with its batch."""


class Mood(StrEnum):
    """What is wrong with a record, or with the handler when it gets it."""

    FINE = "fine"
    SHAKY = "shaky"
    """the handler fails once"""
    EXHAUSTING = "exhausting"
    """the handler fails as long as retry_policy lasts, then it works"""
    STRANDED = "stranded"
    """something that the handler needs is down for a while"""
    REFUSED = "refused"
    """the handler never takes it"""
    INVALID_DATA = "invalid data"
    INVALID_ENVELOPE = "invalid envelope"
    UNKNOWN_TYPE = "unknown type"

    @property
    def hopeless(self) -> bool:
        """Can it never be handled?"""
        return self in (Mood.REFUSED, Mood.INVALID_DATA, Mood.INVALID_ENVELOPE)

    @property
    def may_be_set_aside(self) -> bool:
        """Is there a reason to make a dead letter of it?"""
        return self.hopeless or self is Mood.EXHAUSTING

    def troubles(self) -> list[Exception]:
        """What the handler raises, time after time."""
        match self:
            case Mood.SHAKY:
                return [TransientError("busy")]
            case Mood.EXHAUSTING:
                return [TransientError("busy")] * (PATIENCE + 1)
            case Mood.STRANDED:
                return [OSError("down")] * 2
            case Mood.REFUSED:
                return [PermanentError("no")] * 1_000
            case _:
                return []

    def spoil(self, record: Record) -> Record:
        """The record as it is sent."""
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
    """A record, and what the reference has to know of it. Who sends an event again sends the same amount."""

    record: Record
    key: UUID
    amount: int
    mood: Mood


@dataclass
class Reference:
    """What should be."""

    totals: defaultdict[UUID, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Per key, every total that it has to tell."""
    undecided: list[Received] = field(default_factory=list)
    """What stands behind an open dead letter without being one."""


def reference(received: Iterable[Received], waiting: Collection[str], discarded: Collection[str]) -> Reference:
    """What should be, given where the dead letters stand that wait and those that a person discarded."""
    should_be = Reference()
    stopped: set[UUID] = set()
    seen: set[int] = set()
    for one in received:
        place = one.record.place
        if place in waiting:
            stopped.add(one.key)
            seen.add(one.amount)  # an event that waits need not wait a second time when it comes again
        elif one.mood is Mood.UNKNOWN_TYPE or place in discarded or one.amount in seen:
            continue
        elif one.key in stopped:
            should_be.undecided.append(one)
        else:
            seen.add(one.amount)
            should_be.totals[one.key].append(one.amount + (should_be.totals[one.key] or [0])[-1])
    return should_be
