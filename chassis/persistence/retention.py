"""Deletes rows that are too old. Open dead letters and unpublished events are never deleted."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from chassis.persistence.connection import Pool

log = structlog.get_logger("retention")

EVERY = timedelta(hours=1)
AT_ONCE = 10_000
"""Rows in one statement: short enough to be in nobody's way."""


class UnsafeRetention(ValueError):
    """The inbox would forget an event while Kafka can still deliver it again."""


@dataclass(frozen=True, slots=True)
class Retention:
    """For how long rows are kept."""

    inbox: timedelta = timedelta(days=45)
    closed_dead_letters: timedelta = timedelta(days=30)
    """also what a person took out of the outbox, and what a service gave up"""
    answered_requests: timedelta = timedelta(days=7)
    audit: timedelta = timedelta(days=366)
    """Domain guide 10.5: access log, 12 months."""

    def check(self, topics: Iterable[timedelta]) -> None:
        """The inbox has to remember longer than any topic it reads, and than a dead letter may be looked at.

        Raises:
            UnsafeRetention: it does not.
        """
        longest = max([self.closed_dead_letters, *topics])
        if self.inbox < longest:
            raise UnsafeRetention(
                f"the inbox forgets after {self.inbox.days} days, a record can come back for {longest.days} days: "
                f"keep the inbox for at least {longest.days} days"
            )


TOO_OLD = {
    "inbox": "received_at < now() - $1::interval",
    "dead_letters": "status <> 'open' and closed_at < now() - $1::interval",
    "skipped_records": "skipped_at < now() - $1::interval",
    "answered_requests": "answered_at < now() - $1::interval",
    "audit": "at < now() - $1::interval",
}


class RetentionJob:
    """The job that deletes what is too old, once in an hour."""

    def __init__(self, pool: Pool, retention: Retention, given_up: Mapping[str, str] | None = None) -> None:
        self._pool = pool
        self._too_old = {**TOO_OLD, **(given_up or {})}
        self._ages = {
            "inbox": retention.inbox,
            "dead_letters": retention.closed_dead_letters,
            "skipped_records": retention.closed_dead_letters,
            "answered_requests": retention.answered_requests,
            "audit": retention.audit,
            **dict.fromkeys(given_up or {}, retention.closed_dead_letters),
        }

    async def run(self, stop: asyncio.Event) -> None:
        """Do it every hour until told to stop."""
        while not stop.is_set():
            try:
                forgotten = await self.forget()
                log.info("forgot what is too old", **forgotten)
            except Exception as error:
                log.warning("could not forget, next time", error=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY.total_seconds()):
                    await stop.wait()

    async def forget(self) -> dict[str, int]:
        """Delete what is too old; the answer is the number of rows per table."""
        return {table: await self._forget(table, condition) for table, condition in self._too_old.items()}

    async def _forget(self, table: str, condition: str) -> int:
        sql = f"delete from {table} where ctid = any(array(select ctid from {table} where {condition} limit {AT_ONCE}))"
        total = 0
        while deleted := int((await self._pool.execute(sql, self._ages[table])).removeprefix("DELETE ")):
            total += deleted
        return total
