"""The audit: who did what, about whom, and when. It holds ids and codes, never what was changed or read."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from chassis.actors import Actor
from chassis.persistence.connection import Connection, Pool
from chassis.persistence.statement import Parameters
from chassis.unit_of_work import Change

_CASTS = ("timestamptz", "text", "text", "text", "text", "text", "uuid")


class AuditRow(NamedTuple):
    """One thing that somebody did to one aggregate, or read of one person."""

    at: datetime
    actor: str
    """Pseudonymous."""
    way: str
    roles: str
    """Separated by spaces."""
    institution: str | None
    action: str
    """The command, or what was read."""
    about: UUID

    @classmethod
    def of(cls, actor: Actor, action: str, about: UUID, at: datetime) -> "AuditRow":
        """What this actor did."""
        return cls(at, actor.id, actor.way, " ".join(sorted(actor.roles)), actor.institution, action, about)


def rows_of(changes: Sequence[Change]) -> list[AuditRow]:
    """One row per aggregate that a message changed."""
    return [AuditRow.of(cause.actor, cause.type, about, cause.time) for cause, about in changes]


class Audit(Protocol):
    """The audit inside one transaction."""

    async def add(self, rows: Sequence[AuditRow]) -> None:
        """Keep these."""
        ...

    async def about(self, ids: Collection[UUID]) -> list[AuditRow]:
        """Everything that was done to these, or read of them, newest first."""
        ...


def audit_insert(rows: Sequence[AuditRow], parameters: Parameters) -> str:
    """Keep these."""
    values = parameters.unnest([*zip(*rows, strict=True)], _CASTS)
    return f"insert into audit (at, actor, way, roles, institution, action, about) select * from {values}"


async def audit_about(pool: Pool, ids: Collection[UUID]) -> list[AuditRow]:
    """Everything that was done to these, or read of them, newest first."""
    async with pool.acquire() as connection:
        return await PostgresAudit(connection).about(ids)


class PostgresAudit:
    """The table `audit`, on the connection of the running transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, rows: Sequence[AuditRow]) -> None:
        parameters = Parameters()
        await self._connection.execute(audit_insert(rows, parameters), *parameters.values)

    async def about(self, ids: Collection[UUID]) -> list[AuditRow]:
        rows = await self._connection.fetch(
            "select at, actor, way, roles, institution, action, about from audit "
            "where about = any($1::uuid[]) order by position desc",
            [*ids],
        )
        return [AuditRow(*row) for row in rows]
