"""Looks into the database now and then for what no single transaction knows: how much waits, and for how long."""

import asyncio
from contextlib import suppress

import structlog

from chassis.observability.metrics import Metrics
from chassis.persistence.connection import Pool

log = structlog.get_logger("gauges")

EVERY = 5.0
_OUTBOX = "select count(*), coalesce(extract(epoch from now() - min(recorded_at)), 0) from outbox"
_TIMERS = "select count(*), greatest(0, coalesce(extract(epoch from now() - min(due_at)), 0)) from timers"
_DEAD_LETTERS = (
    "select count(*) filter (where reason <> 'BEHIND'), count(*) filter (where reason = 'BEHIND') "
    "from dead_letters where status = 'open'"
)


class GaugeCollector:
    """Keeps the gauges of what waits."""

    def __init__(self, service: str, pool: Pool, metrics: Metrics) -> None:
        self._service = service
        self._pool = pool
        self._metrics = metrics

    async def run(self, stop: asyncio.Event) -> None:
        """Look every few seconds until told to stop."""
        while not stop.is_set():
            try:
                async with asyncio.timeout(EVERY):
                    await self.sample()
            except Exception as error:
                self.forget()
                log.warning("cannot measure", error=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await stop.wait()

    def forget(self) -> None:
        """What cannot be measured is absent: a figure of some time ago, or none, would be taken for true."""
        metrics = self._metrics
        for gauge in (
            metrics.outbox_unpublished,
            metrics.outbox_oldest_age_seconds,
            metrics.timers_waiting,
            metrics.timers_overdue_seconds,
            metrics.dead_letters_open,
            metrics.parked_records,
        ):
            gauge.clear()

    async def sample(self) -> None:
        """Look once."""
        waiting, age = await self._pool.fetchrow(_OUTBOX) or (0, 0)
        timers, overdue = await self._pool.fetchrow(_TIMERS) or (0, 0)
        dead, parked = await self._pool.fetchrow(_DEAD_LETTERS) or (0, 0)
        metrics = self._metrics
        metrics.outbox_unpublished.labels(self._service).set(waiting)
        metrics.outbox_oldest_age_seconds.labels(self._service).set(float(age))
        metrics.timers_waiting.labels(self._service).set(timers)
        metrics.timers_overdue_seconds.labels(self._service).set(float(overdue))
        metrics.dead_letters_open.labels(self._service).set(dead)
        metrics.parked_records.labels(self._service).set(parked)
