"""What a handler sees: how it is declared, the context of its message, and two ways to fail. No Kafka, no SQL."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from inspect import iscoroutinefunction
from itertools import chain
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from chassis.actors import PLATFORM, Actor, Way
from contracts.envelope import Envelope
from contracts.event import Event

BRUSSELS = ZoneInfo("Europe/Brussels")
_NAMESPACE = UUID("8f0f2f3c-6c0e-5a52-9a55-3f6f3f1d6b11")


class TransientError(Exception):
    """It may work in a moment: the chassis tries again."""


class PermanentError(Exception):
    """It will never work: the chassis sets the record aside, or tells the caller."""


class NotFound(PermanentError):
    """What a message is about does not exist."""


class Forbidden(PermanentError):
    """The actor may not do this; the message says in Dutch what would be needed."""


class Refused(PermanentError):
    """A command that we do not accept. `field` is what the caller should change, `reason` says why in Dutch."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Aggregate(Protocol):
    """What the chassis asks of an aggregate: a dataclass whose other fields are immutable values.

    `version` counts the events that it has published, and is the sequence number of the last one.
    """

    id: UUID
    version: int
    pending_events: list[Event]


M = TypeVar("M")
R = TypeVar("R")
S = TypeVar("S")
U = TypeVar("U")


class MessageContext(NamedTuple):
    """Where a message comes from. Ids and times of what a handler makes follow from it, not from chance or a clock."""

    id: str
    source: str
    type: str
    time: datetime
    correlation: str | None = None
    traceparent: str | None = None
    received: tuple[Envelope, bytes] | None = None
    """The event as it came from Kafka, with its data: for a handler that passes it on unchanged."""
    actor: Actor = PLATFORM
    """Who asked for it."""

    def new_id(self, name: str) -> UUID:
        """The id of something that this message causes: the same for every delivery of the message."""
        return uuid5(_NAMESPACE, f"{self.source}\n{self.id}\n{name}")

    @property
    def authid(self) -> str | None:
        """The id of the partner that the message came from."""
        return self.actor.id if self.actor.way is Way.PARTNER else None

    @property
    def today(self) -> date:
        """The Belgian calendar day of the message."""
        return self.time.astimezone(BRUSSELS).date()


@dataclass(frozen=True, slots=True)
class By:
    """Load every aggregate whose `column` equals `field` of the message, or of the loaded aggregates of class `of`."""

    column: str
    field: str
    of: type[Any] | None = None


def by(column: str, field: str | None = None, *, of: type[Any] | None = None) -> By:
    """All aggregates whose `column` has the value of a field (of the same name unless told).

    The field is the message's; with `of` it is a field of the aggregates of that class which the same handler loads:
    `loads={Search: "search_id", Workplace: by("programme", of=Search)}` loads the workplaces of the search's programme.
    """
    return By(column, field or column, of)


How = str | By
Loads = Mapping[type[Any], How | tuple[How, ...]]


@dataclass(frozen=True, slots=True)
class Handler:
    """One function that handles one type of message, and what it wants to have in memory when it runs."""

    message: type[Any]
    loads: Mapping[type[Any], tuple[How, ...]]
    call: Callable[..., Any]
    name: str


Method = Callable[[S, M, U, MessageContext], R]
"""A handler as it is written; the third parameter is the unit of work."""


def handles(message: type[M], *, loads: Loads | None = None) -> Callable[[Method[S, M, U, R]], Method[S, M, U, R]]:
    """Mark a method as the handler of `message`.

    `loads` says what it reads: an aggregate class with the message's field that holds its id, or with `by(column)`, or
    with several of these. The chassis reads all of it once per batch and locks it.
    """
    asked = {kind: how if isinstance(how, tuple) else (how,) for kind, how in (loads or {}).items()}

    def mark(function: Method[S, M, U, R]) -> Method[S, M, U, R]:
        if iscoroutinefunction(function):
            raise TypeError(f"{function.__name__}: a handler is synchronous, nobody would await it")
        for how in chain(*asked.values()):
            _check(function.__name__, message, asked, how)
        vars(function)["__handles__"] = (message, asked)
        return function

    return mark


def _check(handler: str, message: type[Any], asked: Mapping[type[Any], tuple[How, ...]], how: How) -> None:
    """Raises TypeError when there is no such field to load by."""
    owner = how.of if isinstance(how, By) and how.of else message
    name = how.field if isinstance(how, By) else how
    if name not in getattr(owner, "__annotations__", {}) and not hasattr(owner, name):
        raise TypeError(f"{handler}: {owner.__name__} has no {name!r} to load by")
    if owner is not message and all(isinstance(one, By) and one.of for one in asked.get(owner, ())):
        raise TypeError(f"{handler}: {owner.__name__} is not loaded by a field of {message.__name__}")


def handlers_of(collection: object) -> dict[type[Any], Handler]:
    """Every handler of `collection`, by the type of message it handles.

    A collection is an object with marked methods, a `Handler`, or a tuple of these. An event that several of a tuple
    handle is handled by one after the other, in one transaction.
    """
    found: dict[type[Any], Handler] = {}
    for one in collection if isinstance(collection, tuple) else (collection,):
        for message, handler in _declared(one).items():
            found[message] = _both(found[message], handler) if message in found else handler
    return found


def _declared(collection: object) -> dict[type[Any], Handler]:
    if isinstance(collection, Handler):
        return {collection.message: collection}
    found: dict[type[Any], Handler] = {}
    for name, function in vars(type(collection)).items():
        if mark := getattr(function, "__handles__", None):
            message, loads = mark
            handler = Handler(message, loads, getattr(collection, name), name)
            if message in found:
                raise _two(found[message], handler)
            found[message] = handler
    return found


def _both(first: Handler, second: Handler) -> Handler:
    if not issubclass(first.message, Event):
        raise _two(first, second)  # a command has one answer

    def call(message: Event, uow: object, ctx: MessageContext) -> None:
        first.call(message, uow, ctx)
        second.call(message, uow, ctx)

    kinds = {**first.loads, **second.loads}
    loads = {kind: (*first.loads.get(kind, ()), *second.loads.get(kind, ())) for kind in kinds}
    return Handler(first.message, loads, call, f"{first.name}, {second.name}")


def _two(first: Handler, second: Handler) -> TypeError:
    return TypeError(f"{first.message.__name__} has two handlers: {first.name} and {second.name}")
