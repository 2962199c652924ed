"""Reads and writes the aggregates of one class in bulk: one statement per batch, rows locked in order of their id.

The rows of a projection are read without a lock, and written without having been read.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Generic, TypeVar
from uuid import UUID

from chassis.handling import TransientError
from chassis.persistence.connection import Connection
from chassis.persistence.mapper import Mapper
from chassis.persistence.statement import Parameters, combined
from chassis.projections import Changes, Projected, Row

A = TypeVar("A", bound=Row)


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
        self._upsert = "on conflict (id) do update set " + ", ".join(f'"{name}" = excluded."{name}"' for name in names)
        self._fields = {field.name: field for field in mapper.fields}

    async def load_many(self, connection: Connection, ids: Collection[UUID], *, lock: bool = True) -> list[A]:
        """Those of the aggregates that exist."""
        return await self._load(connection, "id = any($1::uuid[])", [*ids], lock)

    async def load_by(
        self, connection: Connection, column: str, values: Collection[Any], *, lock: bool = True
    ) -> list[A]:
        """All aggregates whose column has one of the values."""
        condition = f'"{column}" = any($1::{self._fields[column].cast}[])'
        return await self._load(connection, condition, sorted(values), lock)

    async def _load(self, connection: Connection, condition: str, values: list[Any], lock: bool) -> list[A]:
        select = self._select.format(condition)
        locked = lock and not self.mapper.is_projected
        rows = await connection.fetch(f"{select} for update" if locked else select, values)
        return [self.mapper.aggregate(row.values()) for row in rows]

    async def insert_many(self, connection: Connection, aggregates: Sequence[A]) -> None:
        """Keep new aggregates."""
        parameters = Parameters()
        await connection.execute(self.insert_statement(aggregates, parameters), *parameters.values)

    def insert_statement(self, aggregates: Sequence[A], parameters: Parameters) -> str:
        """Keep new aggregates."""
        casts = [field.cast for field in self.mapper.fields]
        return f"{self._insert_into} {parameters.unnest(self.mapper.columns(aggregates), casts)}"

    async def update_many(self, connection: Connection, changes: Sequence[tuple[A, int]]) -> None:
        """Keep changed aggregates, each only if its version is still the one that was loaded.

        Raises:
            StaleAggregate: for at least one it is not.
        """
        columns = self.mapper.columns([aggregate for aggregate, _ in changes])
        tag = await connection.execute(self._update, *columns, [expected for _, expected in changes])
        if tag != f"UPDATE {len(changes)}":
            raise StaleAggregate(f"{self.kind.__name__}: {tag}, expected {len(changes)}")

    async def project(self, connection: Connection, projected: Projected[A]) -> None:
        """Keep and change rows of a projection, in one round trip."""
        parameters = Parameters()
        if statements := [*self.projected_statements(projected, parameters)]:
            await connection.execute(combined(statements), *parameters.values)

    def projected_statements(self, projected: Projected[A], parameters: Parameters) -> Iterator[str]:
        """Keep rows of a projection, and change others: one statement for the rows, one for each set of fields."""
        if rows := [row for _, row in sorted(projected.rows.items(), key=_by_id)]:
            yield f"{self.insert_statement(rows, parameters)} {self._upsert}"
        for names, some in groupby(sorted(projected.changes.items(), key=_by_fields), lambda item: sorted(item[1])):
            yield self._change_statement(names, dict(some), parameters)

    def _change_statement(self, names: Sequence[str], changes: Mapping[UUID, Changes], parameters: Parameters) -> str:
        fields = [self._fields[name] for name in names]
        columns = [field.column(one[field.name] for one in changes.values()) for field in fields]
        new = parameters.unnest([[*changes], *columns], ["uuid", *(field.cast for field in fields)])
        listed = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(f'"{name}" = n."{name}"' for name in names)
        return f"update {self.mapper.table} t set {values} from {new} n(id, {listed}) where t.id = n.id"


def _by_id(item: tuple[UUID, object]) -> int:
    return item[0].int


def _by_fields(item: tuple[UUID, Changes]) -> tuple[list[str], int]:
    return sorted(item[1]), item[0].int
