"""The aggregates of one transaction: what a batch loads, what its handlers change, which events they publish.

Rows of projections are loaded as aggregates are, but only to be read: they are not locked, and not saved.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar, cast
from uuid import UUID

from chassis.actors import PLATFORM
from chassis.handling import Aggregate, By, Handler, How, MessageContext, NotFound, PermanentError
from chassis.projections import Changes, Projected, Row, changed
from contracts.event import Event, Timer

A = TypeVar("A", bound=Row)
"""An aggregate, or a row of a projection."""
K = TypeVar("K")


class NotLoaded(LookupError):
    """A handler asked for something that no handler of its batch declared."""


class RecordedEvent(NamedTuple):
    """An event on its way to the outbox, with its sequence number and the message that caused it."""

    event: Event
    sequence: int
    cause: MessageContext
    due_at: datetime | None = None
    """For a timer: when it is published."""


class Change(NamedTuple):
    """A message of somebody changed an aggregate: what the audit says of it."""

    cause: MessageContext
    about: UUID


class _DependentLoad(NamedTuple):
    """Aggregates to load by a field of others, and how those others are found."""

    kind: type[Any]
    by: By
    sources: Sequence[tuple[str, Any]]
    """Attribute and value: one of these pairs has to fit."""

    def values(self, found: Iterable[Any]) -> set[Any]:
        """What to look for, given the aggregates that were found."""
        fitting = [one for one in found if any(getattr(one, name) == value for name, value in self.sources)]
        return {value for one in fitting if (value := getattr(one, self.by.field)) is not None}


class LoadPlan:
    """What a batch of messages asks to load, per class: ids, and values of columns."""

    def __init__(self) -> None:
        self.ids: dict[type[Any], set[UUID]] = {}
        self.values: dict[tuple[type[Any], str], set[Any]] = {}
        self._dependent: list[_DependentLoad] = []

    def include(self, handler: Handler, message: object) -> None:
        """Add what this message's handler declared. A field that is None asks for nothing."""
        for kind, ways in handler.loads.items():
            for how in ways:
                if isinstance(how, By) and how.of:
                    sources = [source for way in handler.loads[how.of] if (source := _source(way, message))]
                    self._dependent.append(_DependentLoad(kind, how, sources))
                elif isinstance(how, By):
                    self._add(self.values, (kind, how.column), getattr(message, how.field))
                else:
                    self._add(self.ids, kind, getattr(message, how))

    def complete(self, found: Callable[[type[Any]], Iterable[Any]]) -> bool:
        """Add what depends on aggregates that were found. True: that was something new, which is to be loaded too."""
        before = self._size
        for dependent in self._dependent:
            assert dependent.by.of
            for value in dependent.values(found(dependent.by.of)):
                self._add(self.values, (dependent.kind, dependent.by.column), value)
        return self._size > before

    @property
    def _size(self) -> int:
        return sum(map(len, self.values.values()))

    @staticmethod
    def _add(asked: dict[K, set[Any]], where: K, value: Any) -> None:
        if value is not None:
            asked.setdefault(where, set()).add(value)

    @property
    def is_empty(self) -> bool:
        """Is nothing asked for? A handler may declare what only some of its messages need."""
        return not (self.ids or self.values or self._dependent)

    @property
    def kinds(self) -> list[type[Any]]:
        """The classes that are asked for, in the order in which their rows are locked."""
        kinds = self.ids.keys() | {kind for kind, _ in self.values}
        return sorted(kinds, key=lambda kind: kind.__name__)

    @property
    def depended_on(self) -> list[type[Any]]:
        """The classes of which a field decides what else is loaded."""
        kinds = {dependent.by.of for dependent in self._dependent if dependent.by.of}
        return sorted(kinds, key=lambda kind: kind.__name__)

    def includes(self, one: Aggregate) -> bool:
        """Was this aggregate asked for?"""
        return one.id in self.ids.get(type(one), ()) or any(
            getattr(one, column) in values for (kind, column), values in self.values.items() if kind is type(one)
        )


def _source(how: How, message: object) -> tuple[str, Any] | None:
    """By which attribute and value an aggregate is found that another load depends on."""
    if isinstance(how, By):
        return None if how.of else (how.column, getattr(message, how.field))
    return "id", getattr(message, how)


class _IdentityMap(Generic[A]):
    """All aggregates, or rows, of one class in a unit of work: each exists once."""

    def __init__(self, kind: type[A]) -> None:
        self.by_id: dict[UUID, A] = {}
        self.before: dict[UUID, tuple[Any, ...]] = {}
        """The stored fields of those that were handed out, as they were when they were loaded."""
        self.added: dict[UUID, A] = {}
        self.asked: set[UUID] = set()
        self.asked_values: dict[str, set[Any]] = {}
        self.stored: Callable[[A], tuple[Any, ...]] = attrgetter(*stored_fields(kind))
        self.audited: dict[UUID, tuple[Any, ...]] = {}
        """The stored fields of those that an earlier message changed."""
        self.is_projected = is_projected(kind)


def stored_fields(kind: type[Any]) -> list[str]:
    """The fields of an aggregate that its table has: all but the pending events, which go to the outbox."""
    return [field.name for field in fields(kind) if field.name != "pending_events"]


def is_projected(kind: type[Any]) -> bool:
    """Is it a class of rows that a projection keeps up? They leave no events."""
    return "pending_events" not in vars(kind)["__dataclass_fields__"]


class UnitOfWork:
    """The aggregates of one transaction: each exists once, and messages of one batch see each other's changes."""

    def __init__(self) -> None:
        self._maps: dict[type[Any], _IdentityMap[Any]] = {}
        self._handed_out: dict[int, Any] = {}
        self._published: list[Event] = []
        self.recorded: list[RecordedEvent] = []
        self.changes: list[Change] = []
        self.projected: dict[type[Any], Projected[Any]] = {}

    def get(self, kind: type[A], id_: UUID) -> A:
        """The aggregate with this id.

        Raises:
            NotFound: there is none.
        """
        found = self.find(kind, id_)
        if found is None:
            raise NotFound(f"{kind.__name__} {id_} bestaat niet, of niet meer.")
        return found

    def find(self, kind: type[A], id_: UUID | None) -> A | None:
        """The aggregate with this id, or None.

        Raises:
            NotLoaded: the handler did not declare that it loads it.
        """
        if id_ is None:
            return None
        identities = self._map(kind)
        found: A | None = identities.by_id.get(id_)
        if found is None:
            if id_ not in identities.asked:
                raise NotLoaded(f"{kind.__name__} {id_} was not loaded: declare it in @handles(..., loads=...)")
            return None
        return self._hand_out(identities, found)

    def all(self, kind: type[A], **equals: Any) -> list[A]:
        """Every aggregate whose column has this value, in order of id; one column, declared with `by`."""
        ((column, value),) = equals.items()
        if value is None:
            return []
        identities = self._map(kind)
        if value not in identities.asked_values.get(column, ()):
            raise NotLoaded(f"{kind.__name__} by {column} was not loaded: declare it in @handles(..., loads=...)")
        fitting = [one for one in identities.by_id.values() if getattr(one, column) == value]
        return [self._hand_out(identities, one) for one in sorted(fitting, key=attrgetter("id.int"))]

    def add(self, aggregate: Aggregate) -> None:
        """Keep a new aggregate."""
        identities = self._map(type(aggregate))
        if identities.is_projected:
            raise TypeError(f"{type(aggregate).__name__} is a row of a projection: no handler adds one")
        if aggregate.id in identities.by_id:
            raise PermanentError(f"{type(aggregate).__name__} {aggregate.id} exists already")
        identities.by_id[aggregate.id] = aggregate
        identities.added[aggregate.id] = aggregate
        self._handed_out[id(aggregate)] = aggregate

    def publish(self, event: Event) -> None:
        """Publish an event that belongs to no aggregate: it has an id of its own, which follows from the message."""
        self._published.append(event)

    # What follows is for the chassis; handlers do not call it.

    def add_loaded(self, kind: type[A], loaded: Iterable[A], plan: LoadPlan) -> None:
        """Take in what was loaded, and remember what was asked for."""
        identities = self._map(kind)
        identities.by_id.update((one.id, one) for one in loaded)
        identities.asked |= plan.ids.get(kind, set())
        for (class_, column), values in plan.values.items():
            if class_ is kind:
                identities.asked_values.setdefault(column, set()).update(values)

    def loaded(self, kind: type[A]) -> list[A]:
        """Every aggregate of a class that was loaded."""
        return [*self._map(kind).by_id.values()]

    def project(self, kind: type[A], id_: UUID, made: A | Changes) -> None:
        """Keep a row, or change the one that is there; who reads it later in this batch sees it so."""
        projected = self.projected.get(kind)
        if projected is None:
            projected = self.projected[kind] = Projected()
        projected.fold(id_, made)
        if identities := self._maps.get(kind):
            if not isinstance(made, Changes):
                identities.by_id[id_] = made
            elif id_ in identities.by_id:
                identities.by_id[id_] = changed(identities.by_id[id_], made)

    def collect_events(self, cause: MessageContext) -> None:
        """After each handler: number the events that it left, in the order of the aggregates it touched."""
        for aggregate in self._handed_out.values():
            pending: list[Event] = aggregate.pending_events
            for event in pending:
                if _is_timer(type(event)):
                    self.recorded.append(_timer(cast("Timer", event), aggregate, cause))
                    continue
                if event.aggregate_id != aggregate.id:
                    raise TypeError(f"{type(event).__name__} is keyed by another id than its aggregate's")
                aggregate.version += 1
                self.recorded.append(RecordedEvent(event, aggregate.version, cause))
            aggregate.pending_events.clear()
        if cause.actor is not PLATFORM and cause.actor.is_audited:
            self.changes += [Change(cause, one.id) for one in self._handed_out.values() if self._is_changed(one)]
        self._handed_out.clear()
        self.recorded += [RecordedEvent(event, 1, cause) for event in self._published]
        self._published.clear()

    def _is_changed(self, aggregate: Aggregate) -> bool:
        """Did the message that is executed now change it?"""
        identities = self._map(type(aggregate))
        before = identities.audited.get(aggregate.id, identities.before.get(aggregate.id))
        now = identities.audited[aggregate.id] = identities.stored(aggregate)
        return now != before

    def added(self) -> dict[type[Any], list[Any]]:
        """New aggregates, per class."""
        return {kind: list(identities.added.values()) for kind, identities in self._maps.items() if identities.added}

    def changed(self) -> dict[type[Any], list[tuple[Any, int]]]:
        """Loaded aggregates that are no longer as they were, per class, each with the version it had."""
        changes: dict[type[Any], list[tuple[Any, int]]] = {}
        for kind, identities in self._maps.items():
            if identities.is_projected:
                continue
            at = stored_fields(kind).index("version")
            for id_, before in identities.before.items():
                if identities.stored(identities.by_id[id_]) != before:
                    changes.setdefault(kind, []).append((identities.by_id[id_], before[at]))
        return changes

    def _map(self, kind: type[A]) -> _IdentityMap[A]:
        identities = self._maps.get(kind)
        if identities is None:
            identities = self._maps[kind] = _IdentityMap(kind)
        return identities

    def _hand_out(self, identities: _IdentityMap[A], aggregate: A) -> A:
        if not identities.is_projected and id(aggregate) not in self._handed_out:
            self._handed_out[id(aggregate)] = aggregate
            if aggregate.id not in identities.before and aggregate.id not in identities.added:
                identities.before[aggregate.id] = identities.stored(aggregate)
        return aggregate


@cache
def _is_timer(kind: type[Event]) -> bool:
    # Cached: issubclass of a pydantic model takes as long as loading an aggregate.
    return issubclass(kind, Timer)


def _timer(timer: Timer, aggregate: Aggregate, cause: MessageContext) -> RecordedEvent:
    """A timer has not happened yet, so it takes no sequence number of its aggregate; it belongs to the same case."""
    if timer.timer_id == aggregate.id:
        raise TypeError(f"{type(timer).__name__} has the id of its aggregate: give it one of its own")
    return RecordedEvent(timer, 1, cause._replace(correlation=cause.correlation or str(aggregate.id)), timer.due_at)
