"""Runs a service: its roles `consume`, `relay` and `serve`, apart or all three in one process."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

import structlog

from chassis.commands import Commands
from chassis.execution import Executor
from chassis.http import create_app
from chassis.http_server import HttpServer
from chassis.messaging.consumer import Consumer
from chassis.messaging.dead_letter_limit import Halted
from chassis.messaging.pipeline import Pipeline
from chassis.messaging.producer import KafkaProducer
from chassis.messaging.relay import Relay
from chassis.observability.gauges import GaugeCollector
from chassis.observability.health import Health
from chassis.observability.metrics import Metrics
from chassis.observability.probes import DatabaseProbe
from chassis.outbound_actions import OutboundActions
from chassis.persistence.connection import Pool, open_pool
from chassis.persistence.leadership import Leadership
from chassis.persistence.retention import Retention, RetentionJob
from chassis.persistence.store import PostgresStore
from chassis.schedules import next_firings
from chassis.service import Service
from chassis.settings import Settings
from chassis.tokens import Provider, Tokens
from chassis.topics import manifest_of

log = structlog.get_logger("process")


class Role(StrEnum):
    """What a process of a service does."""

    CONSUME = "consume"
    """handles events from Kafka"""
    RELAY = "relay"
    """publishes the outbox, and performs second steps"""
    SERVE = "serve"
    """answers HTTP"""


ALL_ROLES = frozenset(Role)


def now() -> datetime:
    """The clock: read here, and handed to whoever needs the time."""
    return datetime.now(UTC)


class Process:
    """One running process of a service, in some of its roles."""

    def __init__(self, service: Service, settings: Settings, roles: frozenset[Role], pool: Pool) -> None:
        self.service = service
        self.settings = settings
        self.health = Health()
        self.metrics = Metrics()
        self.stop = asyncio.Event()
        self.halted: Halted | None = None
        self._roles = roles
        self._pool = pool
        self._handlers = service.handlers_by_message
        self._store = PostgresStore(pool, service.name, service.repositories)
        self._relay = self._make_relay() if Role.RELAY in roles else None
        self._executor = Executor(
            service.name, self._store, now=now, publisher=self._relay.publisher if self._relay else None
        )

    async def run(self) -> None:
        """Do the work of the roles until told to stop; then finish what was begun, in this order."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._running(DatabaseProbe(self._pool, self.health).run))
            if self._relay:
                await stack.enter_async_context(self._running(self._make_retention_job().run))
                await stack.enter_async_context(self._running(self._make_gauge_collector().run))
                await stack.enter_async_context(self._running(self._relay.run))
                if self.service.outbound_actions:
                    await stack.enter_async_context(self._running(self._make_outbound_actions().run))
            if Role.CONSUME in self._roles and self.service.topics:
                await stack.enter_async_context(self._consuming())
            await stack.enter_async_context(self._serving())
            log.info("running", roles=sorted(self._roles))
            await self.stop.wait()
        if self.halted:
            raise self.halted

    def _make_relay(self) -> Relay:
        settings = self.settings
        return Relay(
            self.service.name,
            Leadership(settings.database_url, "relay"),
            lambda: KafkaProducer.start(settings.kafka_bootstrap_servers, settings.kafka_login),
            self.metrics,
            self.health,
            now=now,
            next_firings=partial(next_firings, self.service.name, self.service.schedules),
        )

    def _make_gauge_collector(self) -> GaugeCollector:
        return GaugeCollector(self.service.name, self._pool, self.metrics)

    def _make_retention_job(self) -> RetentionJob:
        """Raises UnsafeRetention when the inbox would forget too early."""
        settings = self.settings
        retention = Retention(timedelta(days=settings.inbox_days), timedelta(days=settings.dead_letter_days))
        retention.check(timedelta(days=manifest_of(name).retention_days) for name in self.service.topics)
        return RetentionJob(self._pool, retention, self.service.given_up)

    def _make_outbound_actions(self) -> OutboundActions:
        return OutboundActions(
            self.service.name,
            self.service.outbound_actions,
            self._store,
            self._executor,
            self.metrics,
            self.health,
            now=now,
        )

    @asynccontextmanager
    async def _running(self, loop: Callable[[asyncio.Event], Any]) -> AsyncIterator[None]:
        """A loop with a stop of its own: it goes on until everything that feeds it has stopped."""
        stop = asyncio.Event()
        task = asyncio.create_task(loop(stop))
        task.add_done_callback(lambda _: self.stop.set())
        try:
            yield
        finally:
            stop.set()
            if self._relay:
                self._relay.wake()
            await task

    @asynccontextmanager
    async def _consuming(self) -> AsyncIterator[None]:
        pipeline = Pipeline(
            self.service.name,
            self._handlers,
            self._store,
            self._executor,
            self.metrics,
            now=now,
            partner_gateway=self.service.partner_gateway,
            batch_budget=self.settings.poll_interval / 5,
        )
        consumer = Consumer(
            self.service.name,
            self.service.topics,
            self.settings.kafka_bootstrap_servers,
            pipeline,
            self.metrics,
            self.health,
            batch_size=self.settings.batch_size,
            session_timeout=self.settings.session_timeout,
            poll_interval=self.settings.poll_interval,
            halt=self._halt,
            login=self.settings.kafka_login,
        )
        # Joining waits for Kafka; health has to be readable meanwhile.
        joining = asyncio.create_task(self._join(consumer))
        try:
            async with self._running(consumer.watch_lag):
                yield
        finally:
            joining.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await joining
            await consumer.stop()

    async def _join(self, consumer: Consumer) -> None:
        while True:
            try:
                return await consumer.start()
            except Exception as error:
                log.warning("cannot join the group yet", error=type(error).__name__, detail=str(error)[:200])
                await asyncio.sleep(1)

    def _halt(self, halted: Halted) -> None:
        self.halted = halted
        self.stop.set()

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        routes = self.service.routes if Role.SERVE in self._roles else None
        commands = Commands(self.service.name, self._handlers, self._executor, self.metrics, now=now)
        router = routes(commands, self._pool) if routes else None
        app = create_app(self.service.name, self.health, self.metrics, router, tokens_of(self.settings))
        server = HttpServer(app, self.settings.http_host, self.settings.http_port, self.settings.gateway_addresses)
        task = asyncio.create_task(server.serve())
        task.add_done_callback(lambda _: self.stop.set())
        try:
            yield
        finally:
            server.should_exit = True
            await task


def tokens_of(settings: Settings) -> Tokens | None:
    """What verifies tokens of the login provider; None where there is no provider, and nobody can sign in."""
    if settings.oidc_issuer is None:
        return None
    return Tokens(Provider(settings.oidc_issuer), issuer=settings.oidc_issuer, audience=settings.oidc_client_id)


def collect_seldom() -> None:
    """Fewer garbage collections: a batch makes thousands of objects that live for a moment.

    By default every 700 of them start one, which was a quarter of the time of a hop (benchmarks/README.md).
    """
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


async def run(service: Service, settings: Settings, roles: frozenset[Role] = ALL_ROLES) -> None:
    """Run a process until SIGTERM or SIGINT.

    Raises:
        Halted: the service stopped itself.
    """
    collect_seldom()
    async with await open_pool(settings.database_url, size=settings.pool_size) as pool:
        process = Process(service, settings, roles, pool)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, process.stop.set)
        await process.run()
