"""A small service for the tests of the chassis: it counts, and uses every feature of the chassis."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

from pydantic import BaseModel, Field

from chassis.handling import MessageContext, Refused, by, handles
from chassis.persistence.mapper import Index, Mapper
from chassis.projections import Changes, Projection, projects
from chassis.service import Service
from chassis.topics import Topic
from chassis.unit_of_work import UnitOfWork
from contracts.event import Event, event
from contracts.vocabulary import CaseId, Code, OpenEnum


@event("be.duaalwest.tally.Counted.v1", topic="duaal.tally.counts", key="tally_id")
class Counted(Event):
    """Something was counted."""

    tally_id: UUID
    group: Code = "all"
    amount: int
    weight: float | None = None


@event("be.duaalwest.tally.Begun.v1", topic="duaal.tally.counts", key="tally_id")
class Begun(Event):
    """A new tally was begun; its handler loads nothing."""

    tally_id: UUID
    amount: int


@event("be.duaalwest.tally.Seen.v1", topic="duaal.tally.counts", key="tally_id")
class Seen(Event):
    """A tally was seen as it is: its projection keeps all of it, and a handler counts it, too."""

    tally_id: UUID
    group: Code
    amount: int


@event("be.duaalwest.tally.Moved.v1", topic="duaal.tally.counts", key="tally_id")
class Moved(Event):
    """A tally was seen in another group; only its projection is interested."""

    tally_id: UUID
    group: Code


@event("be.duaalwest.tally.Ticked.v1", topic="duaal.tally.counts", key="tally_id")
class Ticked(Event):
    """Somebody looked at a tally on a day; only its projection is interested."""

    tally_id: UUID
    on: date


@event("be.duaalwest.tally.GroupSeen.v1", topic="duaal.tally.counts", key="count_id")
class GroupSeen(Event):
    """A group was seen: its handler counts the rows of the projection."""

    count_id: UUID
    group: Code


@event("be.duaalwest.tally.GroupCounted.v1", topic="duaal.tally.counts", key="count_id")
class GroupCounted(Event):
    """One was counted for every tally of a group."""

    count_id: UUID
    group: Code


@event("be.duaalwest.tally.TallyChanged.v1", topic="duaal.tally.tallies", key="tally_id")
class TallyChanged(Event):
    """A tally has a new total."""

    tally_id: UUID
    total: int


@event("be.duaalwest.tally.ErrandDone.v1", topic="duaal.tally.tallies", key="errand_id")
class ErrandDone(Event):
    """An outbound action was done."""

    errand_id: UUID
    attempts: Annotated[int, Field(ge=1)]


def _topic(name: str, key: str) -> Topic:
    return Topic(
        name=name,
        description="Only in tests.",
        owner="tally",
        producers=("tally",),
        consumers=(),
        key=key,
        partitions=3,
        retention_days=1,
        data_class="internal",
    )


MANIFESTS = {
    topic.name: topic
    for topic in (
        _topic("duaal.tally.counts", "tally_id"),
        _topic("duaal.tally.tallies", "tally_id"),
        _topic("duaal.tally.timers", "timer_id"),
        _topic("duaal.tally.dead-letters", "dead_letter_id"),
    )
}


@dataclass
class Tally:
    """The aggregate: a total of what was counted."""

    id: UUID
    group: str
    total: int = 0
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    def add(self, amount: int) -> None:
        """Add an amount, and publish the new total."""
        self.total += amount
        self.pending_events.append(TallyChanged(tally_id=self.id, total=self.total))


class Colour(OpenEnum):
    """Open, as the enums of the contracts are."""

    RED = "RED"
    BLUE = "BLUE"
    UNKNOWN = "UNKNOWN"


class State(StrEnum):
    """Closed, as the enums of a domain are."""

    NEW = "NEW"
    DONE = "DONE"


@dataclass(frozen=True)
class Part:
    """A value inside an aggregate."""

    name: str
    colour: Colour
    on: date | None = None


@dataclass
class Sample:
    """One field of every type that an aggregate may have, each also in an optional form."""

    id: UUID
    text: str
    flag: bool
    number: int
    share: float
    moment: datetime
    day: date
    case: CaseId
    colour: Colour
    state: State
    parts: tuple[Part, ...]
    colours: tuple[Colour, ...]
    best: Part
    maybe_text: str | None = None
    maybe_flag: bool | None = None
    maybe_number: int | None = None
    maybe_share: float | None = None
    maybe_moment: datetime | None = None
    maybe_day: date | None = None
    maybe_case: CaseId | None = None
    maybe_colour: Colour | None = None
    maybe_state: State | None = None
    maybe_best: Part | None = None
    maybe_colours: tuple[Colour, ...] | None = None
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)


@dataclass
class Errand:
    """An intent of an outbound action."""

    id: UUID
    due_at: datetime | None
    correlation: str | None = None
    attempts: int = 0
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    def done(self) -> None:
        """The action succeeded."""
        self.attempts += 1
        self.due_at = None
        self.pending_events.append(ErrandDone(errand_id=self.id, attempts=self.attempts))

    def failed(self, now: datetime) -> None:
        """The action failed: try again in a minute."""
        self.attempts += 1
        self.due_at = now + timedelta(minutes=1)


@dataclass(frozen=True)
class Sight:
    """A row of a projection: a tally as it was seen last."""

    id: UUID
    group: str
    amount: int
    colour: Colour | None = None
    on: date | None = None


@projects(Seen)
def seen(event: Seen) -> Sight:
    """All of it."""
    return Sight(event.tally_id, event.group, event.amount, Colour.RED if event.amount < 0 else None)


@projects(Moved)
def moved(event: Moved) -> Changes:
    """One field."""
    return Changes(group=event.group)


@projects(Ticked)
def ticked(event: Ticked) -> Changes:
    """Another field."""
    return Changes(on=event.on)


SIGHTS_OF_TALLIES = Projection(Sight, seen, moved, ticked)


class Count(BaseModel):
    """A command: count something."""

    tally_id: UUID
    amount: int


class Begin(BaseModel):
    """A command: begin a tally."""

    tally_id: UUID
    amount: int


class Total(BaseModel):
    """The answer to either command."""

    total: int


def _no_trouble(_: Any) -> None:
    return None


@dataclass
class Handlers:
    """`trouble` is called before each count, and may raise an error."""

    trouble: Callable[[Any], None] = _no_trouble

    @handles(Counted, loads={Tally: "tally_id"})
    def count(self, event: Counted, uow: UnitOfWork, _: MessageContext) -> None:
        """Count; the first count creates the tally."""
        self.trouble(event)
        tally = uow.find(Tally, event.tally_id)
        if tally is None:
            tally = Tally(event.tally_id, event.group)
            uow.add(tally)
        tally.add(event.amount)

    @handles(Begun)
    def begin(self, event: Begun, uow: UnitOfWork, _: MessageContext) -> None:
        """Create a tally, without loading anything."""
        self.trouble(event)
        tally = Tally(event.tally_id, "begun")
        uow.add(tally)
        tally.add(event.amount)

    @handles(Begin)
    def begin_by_hand(self, command: Begin, uow: UnitOfWork, _: MessageContext) -> Total:
        """The command that creates a tally."""
        self.trouble(command)
        if command.amount < 0:
            raise Refused("amount", "Tellen gaat vooruit.")
        tally = Tally(command.tally_id, "by hand")
        uow.add(tally)
        tally.add(command.amount)
        return Total(total=tally.total)

    @handles(GroupCounted, loads={Tally: by("group")})
    def count_group(self, event: GroupCounted, uow: UnitOfWork, _: MessageContext) -> None:
        """Count one for each tally of the group."""
        for tally in uow.all(Tally, group=event.group):
            tally.add(1)

    @handles(Count, loads={Tally: "tally_id"})
    def count_by_hand(self, command: Count, uow: UnitOfWork, _: MessageContext) -> Total:
        """The command that counts."""
        self.trouble(command)
        if command.amount < 0:
            raise Refused("amount", "Tellen gaat vooruit.")
        tally = uow.get(Tally, command.tally_id)
        tally.add(command.amount)
        return Total(total=tally.total)


@dataclass
class Counting:
    """Handlers beside the projection: of an event that it knows too, and of one that reads its rows."""

    trouble: Callable[[Any], None] = _no_trouble

    @handles(Seen, loads={Tally: "tally_id"})
    def count(self, event: Seen, uow: UnitOfWork, _: MessageContext) -> None:
        """Count it; the first time creates the tally."""
        self.trouble(event)
        tally = uow.find(Tally, event.tally_id)
        if tally is None:
            uow.add(tally := Tally(event.tally_id, event.group))
        tally.add(event.amount)

    @handles(GroupSeen, loads={Sight: by("group")})
    def count_rows(self, event: GroupSeen, uow: UnitOfWork, _: MessageContext) -> None:
        """A tally of what the rows of the group say."""
        tally = Tally(event.count_id, event.group)
        uow.add(tally)
        tally.add(sum(row.amount for row in uow.all(Sight, group=event.group)))


TALLIES = Mapper(Tally, "tallies")
SAMPLES = Mapper(Sample, "samples")
ERRANDS = Mapper(Errand, "errands")
SIGHTS = Mapper(Sight, "sights", Index("sights_group", ("group",)))
MAPPERS = (TALLIES, SAMPLES, ERRANDS, SIGHTS)

TALLY = Service(
    name="tally",
    handlers=Handlers(),
    mappers=MAPPERS,
    migrations=Path(__file__).parent / "migrations",
)


def a_count(tally_id: UUID | None = None, amount: int = 1, group: str = "all") -> Counted:
    """An event that counts one."""
    return Counted(tally_id=tally_id or uuid4(), amount=amount, group=group)
