"""One class of aggregates or projected rows, one table: the columns follow from the dataclass.

So a new field is one line and a migration.
"""

import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from pydantic import TypeAdapter

from chassis.projections import Row
from chassis.unit_of_work import is_projected, stored_fields

A = TypeVar("A", bound=Row)

Convert = Callable[[Any], Any]

_SCALARS: dict[type[Any], str] = {
    UUID: "uuid",
    str: "text",
    bool: "boolean",
    int: "bigint",
    float: "float8",
    datetime: "timestamptz",
    date: "date",
}


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field is kept: its column, the PostgreSQL type of that, and both conversions (None: as it is)."""

    name: str
    cast: str
    nullable: bool
    to_row: Convert | None
    from_row: Convert | None

    def column(self, values: Iterable[Any]) -> list[Any]:
        """These values of it, ready for `unnest`."""
        convert = self.to_row
        return [value if value is None else convert(value) for value in values] if convert else list(values)


class Index(NamedTuple):
    """A second way to find rows; `where` says of which rows, in SQL."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    where: str | None = None


class Mapper(Generic[A]):
    """Between the instances of a class and the rows of its table.

    An aggregate has pending events as its last field; the class of a projection has none, and is frozen.
    """

    def __init__(self, kind: type[A], table: str, *indexes: Index) -> None:
        hints = get_type_hints(kind)
        self.kind = kind
        self.table = table
        self.indexes = indexes
        self._make: Callable[..., A] = kind
        self.fields = [_field(name, hints[name]) for name in stored_fields(kind)]
        self.is_projected = is_projected(kind)
        if self.is_projected and not vars(kind)["__dataclass_params__"].frozen:
            raise TypeError(f"{kind.__name__}: without pending_events it is a row of a projection, which is frozen")
        if not self.is_projected and fields(kind)[-1].name != "pending_events":  # type: ignore[arg-type]
            raise TypeError(f"{kind.__name__}: pending_events comes last, a row is the fields before it")
        self._values = attrgetter(*(field.name for field in self.fields))
        self._conversions = [(at, field.from_row) for at, field in enumerate(self.fields) if field.from_row]

    def columns(self, aggregates: Iterable[A]) -> list[list[Any]]:
        """The values of these aggregates, one list per column, ready for `unnest`."""
        return [
            field.column(values)
            for field, values in zip(self.fields, zip(*map(self._values, aggregates), strict=True), strict=True)
        ]

    def aggregate(self, row: Iterable[Any]) -> A:
        """The aggregate of a row whose columns stand in the order of the fields."""
        values = [*row]
        for at, convert in self._conversions:
            if values[at] is not None:
                values[at] = convert(values[at])
        return self._make(*values) if self.is_projected else self._make(*values, pending_events=[])


def _field(name: str, hint: Any) -> _Field:
    nullable = False
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (option for option in get_args(hint) if option is not type(None))
        nullable = True
    plain = getattr(hint, "__supertype__", hint)
    if plain in _SCALARS:
        return _Field(name, _SCALARS[plain], nullable, None, None)
    if isinstance(plain, type) and issubclass(plain, StrEnum):
        return _Field(name, "text", nullable, None, plain)
    if get_origin(plain) in (list, dict, set):
        raise TypeError(f"{name}: an aggregate's fields are immutable values, use a tuple or a frozen dataclass")
    adapter: TypeAdapter[Any] = TypeAdapter(plain)
    return _Field(
        name,
        "jsonb",
        nullable,
        lambda value: adapter.dump_json(value).decode(),
        adapter.validate_json,
    )
