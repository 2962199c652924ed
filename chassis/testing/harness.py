"""One service on a real PostgreSQL, with records handed to its pipeline directly: the component level of the tests."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from pydantic import BaseModel

from chassis.actors import UserRole
from chassis.commands import Commands
from chassis.execution import Executor
from chassis.http import create_app
from chassis.messaging.pipeline import Pipeline
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.outbound_actions import OutboundActions
from chassis.persistence.connection import Pool, open_pool
from chassis.persistence.store import PostgresStore
from chassis.record import Outcome, Record
from chassis.schedules import next_firings
from chassis.service import Service
from chassis.testing.builders import END_OF_TIME, NOON, a_record, as_it_arrives
from chassis.testing.tokens import bearer, tokens
from contracts.envelope import Texts
from contracts.event import Event, Timer
from contracts.registry import EVENTS

A = TypeVar("A")
Answer = TypeVar("Answer", bound=BaseModel)


class ServiceUnderTest:
    """Delivers events, executes commands, and tells what came of it. Time stands still until a test moves it."""

    def __init__(self, service: Service, pool: Pool) -> None:
        self.service = service
        self.pool = pool
        self.now = NOON
        self.store = PostgresStore(pool, service.name, service.repositories)
        handlers = service.handlers_by_message
        self.metrics = Metrics()
        executor = Executor(service.name, self.store, now=self._now)
        self.pipeline = Pipeline(
            service.name,
            handlers,
            self.store,
            executor,
            self.metrics,
            now=self._now,
            partner_gateway=service.partner_gateway,
        )
        self.commands = Commands(service.name, handlers, executor, self.metrics, now=self._now)
        self.outbound_actions = OutboundActions(
            service.name, service.outbound_actions, self.store, executor, Metrics(), Health(), now=self._now
        )

    def _now(self) -> datetime:
        return self.now

    @classmethod
    @asynccontextmanager
    async def on(cls, service: Service, database_url: str) -> AsyncIterator["ServiceUnderTest"]:
        """The service on a database that is migrated already."""
        async with await open_pool(database_url, size=4) as pool:
            yield cls(service, pool)

    async def deliver(self, *events: Event, at: Any = None) -> list[Outcome]:
        """Deliver every event twice, as Kafka may; the answer is the outcomes of the first time."""
        return await self._deliver_twice([a_record(event, at=at or self.now) for event in events])

    async def advance(self, by: timedelta) -> list[Outcome]:
        """Let time pass: every timer that is due meanwhile is delivered at its moment, twice as all events are.

        So are the firings of schedules.
        """
        end = self.now + by
        outcomes = []
        while due := await self._next_timer(end):
            timer, record = due
            self.now = max(self.now, timer.due_at)
            outcomes += await self._deliver_twice([record])
        self.now = end
        return outcomes

    async def _next_timer(self, end: datetime) -> tuple[Timer, Record] | None:
        """Fire one, and take it from the outbox as the relay would."""
        async with self.store.transaction() as transaction:
            if firings := next_firings(self.service.name, self.service.schedules, self.now):
                await transaction.timers.set(firings)
            await transaction.timers.fire(end, 1)
            for position, fired in await transaction.outbox.unpublished(100_000, END_OF_TIME):
                timer = _event(fired.headers, fired.value)
                if isinstance(timer, Timer):
                    await transaction.outbox.published([position])
                    return timer, as_it_arrives(fired)
        return None

    async def _deliver_twice(self, records: Sequence[Record]) -> list[Outcome]:
        outcomes = await self.deliver_records(records)
        again = await self.deliver_records(records)
        assert [o for o in again if o is Outcome.HANDLED] == [], "a second delivery had an effect"
        return outcomes

    async def deliver_records(self, records: Sequence[Record]) -> list[Outcome]:
        """Deliver records as they are."""
        return await self.pipeline.process(self.pipeline.receive(records))

    async def execute(self, command: BaseModel, answer: type[Answer], key: str | None = None) -> Answer:
        """What HTTP would do with a command."""
        return await self.commands.execute(command, answer, key)

    def app(self) -> FastAPI:
        """Its HTTP application."""
        assert self.service.routes
        routes = self.service.routes(self.commands, self.pool)
        return create_app(self.service.name, Health(), self.metrics, routes, tokens())

    def http(self, *roles: UserRole, institution: str | None = None) -> httpx.AsyncClient:
        """A client of its HTTP application, in the name of somebody with these roles; without roles, of nobody."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app()),
            base_url=f"http://{self.service.name}",
            headers=bearer(*roles, institution=institution) if roles else {},
        )

    async def perform_outbound_actions(self) -> int:
        """Perform everything that is due now."""
        return sum([await self.outbound_actions.perform_due(step) for step in self.service.outbound_actions])

    async def events(self) -> list[Event]:
        """Every event in the outbox, oldest first."""
        async with self.store.transaction() as transaction:
            rows = await transaction.outbox.unpublished(100_000, END_OF_TIME)
        return [_event(row.record.headers, row.record.value) for row in rows]

    async def all(self, kind: type[A]) -> list[A]:
        """Every aggregate or row of a class that is kept, in order of id."""
        (mapper,) = (mapper for mapper in self.service.mappers if mapper.kind is kind)
        columns = ", ".join(f'"{field.name}"' for field in mapper.fields)
        rows = await self.pool.fetch(f"select {columns} from {mapper.table} order by id")
        return [mapper.aggregate(row.values()) for row in rows]


def _event(headers: Texts, value: bytes) -> Event:
    return EVENTS[dict(headers)["ce_type"]].from_json(value)
