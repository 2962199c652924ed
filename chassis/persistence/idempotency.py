"""The answers that HTTP requests with an Idempotency-Key got: the reason why a repeated request changes nothing."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from chassis.handling import PermanentError, TransientError
from chassis.persistence.connection import Connection
from chassis.persistence.statement import Parameters


class KeyUsedTwice(PermanentError):
    """The Idempotency-Key belongs to another request."""


class AnsweredMeanwhile(TransientError):
    """Somebody else executed a request with the same key at the same time; its answer can be read now."""


class IdempotencyRecord(NamedTuple):
    """Whoever makes the request `key` again gets this answer, if its content has the same fingerprint."""

    key: str
    fingerprint: str
    """SHA-256 of the content, in hexadecimal."""
    answer: str
    """JSON."""


class IdempotencyRecords(Protocol):
    """The answers inside one transaction."""

    async def add(self, records: Sequence[IdempotencyRecord]) -> None:
        """Keep these. Waits for whoever executes a request with one of the keys at this moment.

        Raises:
            AnsweredMeanwhile: one of the keys is there by now.
        """
        ...


_COLUMNS = ("text", "text", "text")


def idempotency_insert(records: Sequence[IdempotencyRecord], parameters: Parameters) -> str:
    """Keep these; sorted, so that two transactions with the same keys wait for each other instead of deadlocking."""
    rows = parameters.unnest([*zip(*sorted(records), strict=True)], _COLUMNS)
    return f"insert into answered_requests (key, fingerprint, answer) select * from {rows}"


async def answers_of(connection: Connection, keys: Collection[str]) -> Mapping[str, IdempotencyRecord]:
    """Those of the requests that were answered before, by key."""
    rows = await connection.fetch(
        "select key, fingerprint, answer from answered_requests where key = any($1::text[])", [*keys]
    )
    return {row["key"]: IdempotencyRecord(*row) for row in rows}


class PostgresIdempotencyRecords:
    """The table `answered_requests`, on the connection of the running transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, records: Sequence[IdempotencyRecord]) -> None:
        parameters = Parameters()
        sql = idempotency_insert(records, parameters)
        tag = await self._connection.execute(f"{sql} on conflict do nothing", *parameters.values)
        if tag != f"INSERT 0 {len(records)}":
            raise AnsweredMeanwhile
