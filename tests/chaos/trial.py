"""One fault on a separate ledger: its topics, database and processes, and everything that was sent to it."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from operator import ne
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
from aiokafka import ConsumerRecord

from chassis.crash_points import Point
from chassis.persistence.migrate import migrate
from chassis.testing.eventually import eventually
from contracts.envelope import read
from deploy.local.databases import drop, provision
from deploy.local.stack import Stack
from tests.chaos.kafka import Kafka
from tests.chaos.member import Member
from tests.chaos.oracle import Broken, Evidence, Published, judge, judge_while_down
from tests.chaos.traffic import Draft, Sent, Traffic
from tests.chaos.workload import MIGRATIONS, BalanceChanged

QUIET_WITHIN = 120.0
END_ALL = (
    "select pg_terminate_backend(pid) from pg_stat_activity "
    "where datname = current_database() and pid <> pg_backend_pid()"
)
END_LEADER = f"{END_ALL} and pid in (select pid from pg_locks where locktype = 'advisory' and granted)"


class BrokenHalfWay(Exception):
    """A violation was found before the end of the cell, so the rest of it is skipped."""


class Trial:
    """The steps of a cell: send, start, break, wait, judge."""

    def __init__(
        self,
        stack: Stack,
        folder: Path,
        name: str,
        seed: int,
        sabotage: str | None = None,
        quiet_within: float = QUIET_WITHIN,
    ) -> None:
        self.stack = stack
        self.traffic = Traffic(seed)
        self.sent: list[Sent] = []
        self.broken: list[Broken] = []
        self.absorbed = 0
        self.inbox = 0
        self._folder = folder
        self._quiet_within = quiet_within
        self._service = f"{name.replace('-', '_')[:40]}_{uuid4().hex[:6]}"
        self._kafka = Kafka(stack.kafka.bootstrap_servers, self._service, len(stack.kafka.brokers))
        self._members: list[Member] = []
        self._sabotage = {"DUAAL_SABOTAGE": sabotage} if sabotage else {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Trial"]:
        """Makes the topics and the database, and removes them at the end."""
        admin_url = self.stack.postgres.admin_url
        self.database_url = await asyncio.to_thread(provision, admin_url, self._service)
        await migrate(self.database_url, MIGRATIONS)
        await self._kafka.make_topics()
        try:
            yield self
        finally:
            for member in self._members:
                await member.kill()
            await self._kafka.delete_topics()
            await asyncio.to_thread(drop, admin_url, self._service)

    async def send(self, drafts: Iterable[Draft]) -> None:
        """Send records in this order; returns when the broker acknowledged all."""
        self.sent += await self._kafka.send(drafts)

    async def start(
        self,
        role: str = "run",
        *,
        crash_at: tuple[Point, int] | None = None,
        stop_at: tuple[Point, int] | None = None,
        **settings: object,
    ) -> Member:
        """Start a process; returns when it is ready, or at once when it has a crash point."""
        name = f"{self._service}-{len(self._members) + 1}"
        environment = self._environment(settings)
        member = Member(name, self._folder, environment, role, crash_at=crash_at, stop_at=stop_at)
        self._members.append(member)
        await member.start()
        return member

    async def command(self, *words: str, crash_at: tuple[Point, int] | None = None) -> None:
        """Run a command of the service until it succeeds or crashes at its crash point."""
        environment = {**os.environ, **self._environment({})}
        if crash_at:
            environment["DUAAL_CRASH_AT"] = f"{crash_at[0]}:{crash_at[1]}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.workload", *words),
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
        end = -signal.SIGKILL if crash_at else 0
        assert process.returncode == end, f"{' '.join(words)} ended with {process.returncode}: {errors[-300:]!r}"

    def _environment(self, settings: dict[str, object]) -> dict[str, str]:
        own = {
            "name": self._service,
            "database_url": self.database_url,
            "kafka_bootstrap_servers": self.stack.kafka.bootstrap_servers,
            "session_timeout": 6,
            "batch_size": 20,
            **settings,
        }
        return {f"LEDGER_{name.upper()}": str(value) for name, value in own.items()} | self._sabotage

    async def handled(self, number: int) -> None:
        """Wait until so many deposits are in the inbox."""
        await eventually(self._handled, lambda found: found >= number, within=QUIET_WITHIN)

    async def _handled(self) -> int:
        async with self.database() as database:
            return int(await database.fetchval("select count(*) from inbox"))

    @asynccontextmanager
    async def database(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A connection to the ledger's database."""
        connection = await asyncpg.connect(self.database_url)
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Lock the table, so that no transaction can load an account for update."""
        async with self.database() as database, database.transaction():
            await database.execute("lock table accounts in exclusive mode")
            yield

    async def change_database(self, statement: str) -> None:
        """Do this to the ledger's database."""
        async with self.database() as database:
            await database.execute(statement)

    @asynccontextmanager
    async def failing(self, code: str) -> AsyncIterator[None]:
        """PostgreSQL answers with this SQLSTATE to whoever writes an account."""
        await self.change_database(
            f"create function fail() returns trigger language plpgsql as $$ begin "
            f"raise exception 'made by the test' using errcode = '{code}'; end $$; "
            f"create trigger failing before insert or update on accounts execute function fail()"
        )
        yield
        await self.change_database("drop trigger failing on accounts; drop function fail()")

    async def look_while_down(self) -> None:
        """Judge while every process is dead: some violations may not exist at any moment."""
        self.broken += judge_while_down(await self.evidence())
        if self.broken:
            raise BrokenHalfWay

    async def quiet(self) -> None:
        """Wait until nothing is left to do, or nothing changes any more. The oracle reports what is left."""
        with suppress(TimeoutError, AssertionError):
            async with asyncio.timeout(QUIET_WITHIN):
                left = await self._to_do()
                while left:
                    left = await eventually(self._to_do, partial(ne, left), within=self._quiet_within, every=0.2)

    async def judge(self, *, calm: bool) -> None:
        """Wait until the platform is quiet, stop every process gracefully, and judge."""
        await self.quiet()
        for member in self._members:
            self.absorbed += await member.absorbed()
            await member.stop()
        evidence = await self.evidence()
        self.inbox = len(evidence.inbox)
        self.broken += judge(evidence, calm=calm)

    async def _to_do(self) -> int:
        ends, committed = await self._kafka.ends(), await self._kafka.committed()
        lag = sum(end - committed.get(partition, 0) for partition, end in ends.items())
        # First the lag, then the outbox: events of committed offsets are then in the outbox or published.
        return lag + await self.unpublished()

    async def unpublished(self) -> int:
        """Events in the outbox."""
        async with self.database() as database:
            return int(await database.fetchval("select count(*) from outbox"))

    async def first_letters(self, most: int = 1000) -> list[str]:
        """Ids of the oldest open dead letter of each key."""
        async with self.database() as database:
            rows = await database.fetch(
                "select distinct on (key) id from dead_letters where status = 'open' order by key, position limit $1",
                most,
            )
        return [str(row[0]) for row in rows]

    async def end_connections(self, *, of_leader: bool = False) -> int:
        """End the service's connections to its database, or only that of the relay's leader; returns how many."""
        async with self.database() as database:
            return len(await database.fetch(END_LEADER if of_leader else END_ALL))

    async def evidence(self) -> Evidence:
        """Read everything that the oracle looks at."""
        async with self.database() as database:
            inbox = await database.fetch("select event_id from inbox")
            refused = await database.fetch("select partition, \"offset\" from dead_letters where status = 'open'")
            accounts = await database.fetch("select id, version, balance from accounts")
            waiting = await database.fetchval("select count(*) from outbox")
        return Evidence(
            sent=self.sent,
            inbox={row[0] for row in inbox},
            refused={(row[0], row[1]) for row in refused},
            accounts={row[0]: (row[1], row[2]) for row in accounts},
            published=[_published(one) for one in await self._kafka.read("accounts")],
            waiting=waiting,
            committed=await self._kafka.committed(),
            ends=await self._kafka.ends(),
        )


def _published(record: ConsumerRecord) -> Published:
    envelope, data = read(record.headers, record.value)
    event = BalanceChanged.from_json(data or b"")
    return Published(
        partition=record.partition,
        offset=record.offset,
        id=envelope.id,
        cause=envelope.causationid or "",
        account=UUID(record.key.decode()),
        sequence=envelope.sequence or 0,
        number=event.number,
        balance=event.balance,
    )
