"""The aggregates of one transaction: what a batch loads, what its handlers change, which facts they leave."""

from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar, cast
from uuid import UUID

from chassis.handling import Aggregate, By, Handler, MessageContext, NotFound, PermanentError
from contracts.event import Event, Timer

A = TypeVar("A", bound=Aggregate)
K = TypeVar("K")


class RecordedEvent(NamedTuple):
    """A fact on its way to the outbox, with the sequence number it got and the message that caused it."""

    fact: Event
    sequence: int
    cause: MessageContext
    due_at: datetime | None = None
    """When it has to go out, for a timer."""


class LoadPlan:
    """What a batch of messages asks to load, per class: ids, and values of columns."""

    def __init__(self) -> None:
        self.ids: dict[type[Any], set[UUID]] = {}
        self.values: dict[tuple[type[Any], str], set[Any]] = {}

    def include(self, handler: Handler, message: object) -> None:
        """Add what this message's handler declared. A field that is None asks for nothing."""
        for kind, ways in handler.loads.items():
            for how in ways:
                if isinstance(how, By):
                    self._add(self.values, (kind, how.column), getattr(message, how.field))
                else:
                    self._add(self.ids, kind, getattr(message, how))

    @staticmethod
    def _add(plan: dict[K, set[Any]], where: K, value: Any) -> None:
        if value is not None:
            plan.setdefault(where, set()).add(value)

    @property
    def kinds(self) -> list[type[Any]]:
        """The classes that are asked for, in the order in which their rows are locked."""
        kinds = self.ids.keys() | {kind for kind, _ in self.values}
        return sorted(kinds, key=lambda kind: kind.__name__)

    def includes(self, one: Aggregate) -> bool:
        """Was this aggregate asked for?"""
        return one.id in self.ids.get(type(one), ()) or any(
            getattr(one, column) in values for (kind, column), values in self.values.items() if kind is type(one)
        )


class _Shelf(Generic[A]):
    """All aggregates of one class that a unit of work knows."""

    def __init__(self, kind: type[A]) -> None:
        self.by_id: dict[UUID, A] = {}
        self.before: dict[UUID, tuple[Any, ...]] = {}
        self.added: dict[UUID, A] = {}
        self.asked: set[UUID] = set()
        self.asked_values: dict[str, set[Any]] = {}
        self.picture: Callable[[A], tuple[Any, ...]] = attrgetter(*stored_fields(kind))


def stored_fields(kind: type[Any]) -> list[str]:
    """The fields of an aggregate that are kept: all but the facts, which go to the outbox."""
    return [field.name for field in fields(kind) if field.name != "pending_events"]


class UnitOfWork:
    """The aggregates of one transaction: each exists once, and messages of one batch see each other's changes."""

    def __init__(self) -> None:
        self._shelves: dict[type[Any], _Shelf[Any]] = {}
        self._handed_out: dict[int, Aggregate] = {}
        self._told: list[Event] = []
        self.recorded: list[RecordedEvent] = []

    def get(self, kind: type[A], id_: UUID) -> A:
        """The aggregate with this id.

        Raises:
            NotFound: there is none.
        """
        found = self.find(kind, id_)
        if found is None:
            raise NotFound(f"there is no {kind.__name__} {id_}")
        return found

    def find(self, kind: type[A], id_: UUID | None) -> A | None:
        """The aggregate with this id, or None.

        Raises:
            LookupError: the handler did not declare that it loads it.
        """
        if id_ is None:
            return None
        shelf = self._shelf(kind)
        found: A | None = shelf.by_id.get(id_)
        if found is None:
            if id_ not in shelf.asked:
                raise LookupError(f"{kind.__name__} {id_} was not loaded: declare it in @handles(..., loads=...)")
            return None
        return self._hand_out(shelf, found)

    def all(self, kind: type[A], **equals: Any) -> list[A]:
        """Every aggregate whose column has this value, in order of id; one column, declared with `by`."""
        ((column, value),) = equals.items()
        if value is None:
            return []
        shelf = self._shelf(kind)
        if value not in shelf.asked_values.get(column, ()):
            raise LookupError(f"{kind.__name__} by {column} was not loaded: declare it in @handles(..., loads=...)")
        fitting = [one for one in shelf.by_id.values() if getattr(one, column) == value]
        return [self._hand_out(shelf, one) for one in sorted(fitting, key=attrgetter("id.int"))]

    def add(self, aggregate: Aggregate) -> None:
        """Keep a new aggregate."""
        shelf = self._shelf(type(aggregate))
        if aggregate.id in shelf.by_id:
            raise PermanentError(f"{type(aggregate).__name__} {aggregate.id} exists already")
        shelf.by_id[aggregate.id] = aggregate
        shelf.added[aggregate.id] = aggregate
        self._handed_out[id(aggregate)] = aggregate

    def publish(self, fact: Event) -> None:
        """Publish a fact that no aggregate leaves: it has an id of its own, made of the message."""
        self._told.append(fact)

    # What follows is for the chassis; handlers do not call it.

    def put(self, kind: type[A], loaded: Iterable[A], plan: LoadPlan) -> None:
        """Take in what was loaded, and remember what was asked for."""
        shelf = self._shelf(kind)
        shelf.by_id.update((one.id, one) for one in loaded)
        shelf.asked |= plan.ids.get(kind, set())
        for (class_, column), values in plan.values.items():
            if class_ is kind:
                shelf.asked_values.setdefault(column, set()).update(values)

    def collect_events(self, cause: MessageContext) -> None:
        """After each handler: number the facts that it left, in the order of the aggregates it touched."""
        for aggregate in self._handed_out.values():
            for fact in aggregate.pending_events:
                if _is_timer(type(fact)):
                    self.recorded.append(_timer(cast("Timer", fact), aggregate, cause))
                    continue
                if fact.aggregate_id != aggregate.id:
                    raise TypeError(f"{type(fact).__name__} is keyed by another id than its aggregate's")
                aggregate.version += 1
                self.recorded.append(RecordedEvent(fact, aggregate.version, cause))
            aggregate.pending_events.clear()
        self._handed_out.clear()
        self.recorded += [RecordedEvent(fact, 1, cause) for fact in self._told]
        self._told.clear()

    def added(self) -> dict[type[Any], list[Any]]:
        """New aggregates, per class."""
        return {kind: list(shelf.added.values()) for kind, shelf in self._shelves.items() if shelf.added}

    def changed(self) -> dict[type[Any], list[tuple[Any, int]]]:
        """Loaded aggregates that are no longer as they were, per class, each with the version it had."""
        changes: dict[type[Any], list[tuple[Any, int]]] = {}
        for kind, shelf in self._shelves.items():
            at = stored_fields(kind).index("version")
            for id_, before in shelf.before.items():
                if shelf.picture(shelf.by_id[id_]) != before:
                    changes.setdefault(kind, []).append((shelf.by_id[id_], before[at]))
        return changes

    def _shelf(self, kind: type[A]) -> _Shelf[A]:
        shelf = self._shelves.get(kind)
        if shelf is None:
            shelf = self._shelves[kind] = _Shelf(kind)
        return shelf

    def _hand_out(self, shelf: _Shelf[A], aggregate: A) -> A:
        if id(aggregate) not in self._handed_out:
            self._handed_out[id(aggregate)] = aggregate
            if aggregate.id not in shelf.before and aggregate.id not in shelf.added:
                shelf.before[aggregate.id] = shelf.picture(aggregate)
        return aggregate


@cache
def _is_timer(kind: type[Event]) -> bool:
    # Kept, because to ask it of a pydantic model takes as long as to load an aggregate.
    return issubclass(kind, Timer)


def _timer(timer: Timer, aggregate: Aggregate, cause: MessageContext) -> RecordedEvent:
    """A timer is no fact of its aggregate yet, so it takes no number there; it belongs to the same case."""
    if timer.timer_id == aggregate.id:
        raise TypeError(f"{type(timer).__name__} has the id of its aggregate: give it one of its own")
    return RecordedEvent(timer, 1, cause._replace(correlation=cause.correlation or str(aggregate.id)), timer.due_at)
