"""Reads and writes the aggregates of one class in bulk: one statement per batch, rows locked in order of their id."""

from collections.abc import Collection, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

from chassis.handling import Aggregate, TransientError
from chassis.persistence.connection import Connection
from chassis.persistence.mapper import Mapper
from chassis.persistence.statement import Parameters

A = TypeVar("A", bound=Aggregate)


class StaleAggregate(TransientError):
    """Somebody else changed the aggregate in between; read it again."""


class Repository(Generic[A]):
    """The aggregates of one class in their table."""

    def __init__(self, mapper: Mapper[A]) -> None:
        self.mapper = mapper
        self.kind = mapper.kind
        names = [field.name for field in mapper.fields]
        casts = [f"${at}::{field.cast}[]" for at, field in enumerate(mapper.fields, start=1)]
        table, columns = mapper.table, ", ".join(f'"{name}"' for name in names)
        changes = ", ".join(f'"{name}" = n."{name}"' for name in names if name != "id")
        self._select = f"select {columns} from {table} where {{}} order by id"
        self._insert_into = f"insert into {table} ({columns}) select * from"
        self._update = (
            f"update {table} t set {changes} "
            f"from unnest({', '.join(casts)}, ${len(casts) + 1}::bigint[]) n({columns}, expected) "
            "where t.id = n.id and t.version = n.expected"
        )
        self._casts = {field.name: field.cast for field in mapper.fields}

    async def load_many(self, connection: Connection, ids: Collection[UUID], *, lock: bool = True) -> list[A]:
        """Those of the aggregates that exist."""
        return await self._load(connection, "id = any($1::uuid[])", [*ids], lock)

    async def load_by(
        self, connection: Connection, column: str, values: Collection[Any], *, lock: bool = True
    ) -> list[A]:
        """All aggregates whose column has one of the values."""
        return await self._load(connection, f'"{column}" = any($1::{self._casts[column]}[])', sorted(values), lock)

    async def _load(self, connection: Connection, condition: str, values: list[Any], lock: bool) -> list[A]:
        select = self._select.format(condition)
        rows = await connection.fetch(f"{select} for update" if lock else select, values)
        return [self.mapper.aggregate(row.values()) for row in rows]

    async def insert_many(self, connection: Connection, aggregates: Sequence[A]) -> None:
        """Keep new aggregates."""
        parameters = Parameters()
        await connection.execute(self.insert_statement(aggregates, parameters), *parameters.values)

    def insert_statement(self, aggregates: Sequence[A], parameters: Parameters) -> str:
        """Keep new aggregates."""
        return f"{self._insert_into} {parameters.unnest(self.mapper.columns(aggregates), [*self._casts.values()])}"

    async def update_many(self, connection: Connection, changes: Sequence[tuple[A, int]]) -> None:
        """Keep changed aggregates, each only if its version is still the one that was loaded.

        Raises:
            StaleAggregate: for at least one it is not.
        """
        columns = self.mapper.columns([aggregate for aggregate, _ in changes])
        tag = await connection.execute(self._update, *columns, [expected for _, expected in changes])
        if tag != f"UPDATE {len(changes)}":
            raise StaleAggregate(f"{self.kind.__name__}: {tag}, expected {len(changes)}")
