"""Read models: rows that a service keeps up from events, in bulk, only to be read.

A projection owns one table. Its functions are given an event and nothing else. They return the row that the event
gives, or `Changes` of the row that is there; they decide nothing and publish nothing. The row has the id of the event's
aggregate and all its events come from one topic, because only then do they come in order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from inspect import get_annotations
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from chassis.handling import Handler, MessageContext, handlers_of
from contracts.event import Event


class Row(Protocol):
    """A row of a projection: a frozen dataclass. It has the id of the aggregate that it is about."""

    @property
    def id(self) -> UUID: ...


E = TypeVar("E", bound=Event)
R = TypeVar("R", bound=Row)
T = TypeVar("T")


class Changes(dict[str, Any]):
    """New values for some fields of a row: `Changes(closed_on=event.closed_on)`. Without a row they change nothing."""


@dataclass(slots=True)
class Projected(Generic[R]):
    """What a batch of events leaves of one projection. Of each id there is either a row or changes."""

    rows: dict[UUID, R] = field(default_factory=dict)
    changes: dict[UUID, Changes] = field(default_factory=dict)

    def fold(self, id_: UUID, made: R | Changes) -> None:
        """Add what the next event made: a row replaces what was there, changes are added to it."""
        if not isinstance(made, Changes):
            self.rows[id_] = made
            self.changes.pop(id_, None)
        elif id_ in self.rows:
            self.rows[id_] = changed(self.rows[id_], made)
        else:
            self.changes[id_] = Changes(self.changes.get(id_, {}) | made)

    def onto(self, rows: Mapping[UUID, R]) -> dict[UUID, R]:
        """These rows afterwards: in memory what the repository does in SQL."""
        after = {**rows, **self.rows}
        return after | {id_: changed(after[id_], some) for id_, some in self.changes.items() if id_ in after}


def changed(row: R, changes: Changes) -> R:
    """The row with these changes."""
    return replace(row, **changes)  # type: ignore[type-var]


class Keeps(Protocol):
    """What a projection sees of the unit of work."""

    def project(self, kind: type[Any], id_: UUID, made: Any) -> None:
        """Keep the row, or change the one that is there."""
        ...


def projects(event: type[E]) -> Callable[[Callable[[E], T]], Callable[[E], T]]:
    """Mark a function that makes a row of `event`, or `Changes`: the annotation of what it returns says which."""

    def mark(function: Callable[[E], T]) -> Callable[[E], T]:
        if "return" not in get_annotations(function):
            raise TypeError(f"{function.__name__}: say whether it returns a row or Changes")
        vars(function)["__projects__"] = event
        return function

    return mark


class Projection(Generic[R]):
    """One read model: the class of its rows, and the functions that keep them up."""

    def __init__(self, kind: type[R], *functions: Callable[[Any], R | Changes]) -> None:
        self.kind = kind
        self.functions: dict[type[Event], Callable[[Any], R | Changes]] = {
            vars(function)["__projects__"]: function for function in functions
        }
        if len(self.functions) < len(functions):
            raise TypeError(f"{kind.__name__}: two functions project the same event")
        if len({event.declaration.topic for event in self.functions}) != 1:
            raise TypeError(f"{kind.__name__}: all its events have to be of one topic, or they come in no order")
        self._fields = {one.name for one in fields(kind)} - {"id"}  # type: ignore[arg-type]

    @property
    def topic(self) -> str:
        """Where its events come from."""
        return next(iter(self.functions)).declaration.topic

    def handlers(self, *, is_read: bool = False) -> tuple[Handler, ...]:
        """One per event. `is_read`: a handler of the service loads these rows.

        Then an event that changes a row loads it, so that who reads it later in the batch sees the change.
        """
        return tuple(
            Handler(
                event,
                {self.kind: (event.declaration.key,)} if is_read and _makes_changes(function) else {},
                self._projecting(function),
                f"{self.kind.__name__}.{function.__name__}",
            )
            for event, function in self.functions.items()
        )

    def _projecting(self, function: Callable[[Any], R | Changes]) -> Callable[[Event, Keeps, MessageContext], None]:
        kind, known = self.kind, self._fields

        def project(event: Event, uow: Keeps, _: MessageContext) -> None:
            made, id_ = function(event), event.aggregate_id
            if isinstance(made, Changes):
                if not made.keys() <= known:
                    raise TypeError(f"{kind.__name__} has no {', '.join(sorted(made.keys() - known))} to change")
            elif made.id != id_:
                raise TypeError(f"{kind.__name__}: its id is not that of the aggregate of {type(event).__name__}")
            uow.project(kind, id_, made)

        return project


def _makes_changes(function: Callable[[Any], Any]) -> bool:
    return get_annotations(function)["return"] in (Changes, Changes.__name__)


def handlers_with(handlers: object, projections: Sequence[Projection[Any]]) -> dict[type[Any], Handler]:
    """What a service does about each type of message. Of an event that has both, the handler comes first."""
    collections = handlers if isinstance(handlers, tuple) else (handlers,)
    read = {kind for handler in handlers_of(handlers).values() for kind in handler.loads}
    projecting = [one.handlers(is_read=one.kind in read) for one in projections]
    return handlers_of((*collections, *chain.from_iterable(projecting)))
