"""A service as a process: it starts, reports its health, and on SIGTERM finishes its work."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import httpx

from chassis.messaging.topic_creation import create_topics
from chassis.testing.eventually import eventually
from deploy.local import ports
from deploy.local.stack import Stack
from services.referral.app import build
from services.referral.settings import ReferralSettings
from tests.conftest import ROOT, Databases

LOCKS = (
    "select count(*) from pg_locks l join pg_database d on d.oid = l.database "
    "where l.locktype = 'advisory' and d.datname = $1"
)


@dataclass
class Running:
    """Referral as a process."""

    process: asyncio.subprocess.Process
    url: str
    database: str

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.url) as client:
            return await client.get(path)

    async def ready(self) -> bool:
        return (await self.get("/ready")).status_code == 200

    async def ended(self, within: float = 30.0) -> tuple[int, str]:
        """Wait for its end; returns the exit code and the output."""
        _, written = await asyncio.wait_for(self.process.communicate(), within)
        assert self.process.returncode is not None
        return self.process.returncode, written.decode()


@asynccontextmanager
async def referral(
    stack: Stack, databases: Databases, *, role: str = "run", kafka: str | None = None, **more: str
) -> AsyncIterator[Running]:
    """Referral on an empty database."""
    service = build(ReferralSettings(database_url="unused"))
    url, suffix = await databases.make(service)
    port = ports.choose(["http"], {})["http"]
    environment = {
        "REFERRAL_DATABASE_URL": url,
        "REFERRAL_KAFKA_BOOTSTRAP_SERVERS": kafka or stack.kafka.bootstrap_servers,
        "REFERRAL_HTTP_PORT": str(port),
        "REFERRAL_SESSION_TIMEOUT": "6",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.referral",
        role,
        cwd=ROOT,
        env={**os.environ, **environment, **more},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Running(process, f"http://{ports.HOST}:{port}", url.rsplit("/", 1)[-1])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        databases.drop(service, suffix)


async def test_on_sigterm_it_finishes_cleanly_and_gives_the_lead_away(stack: Stack, databases: Databases) -> None:
    await create_topics(stack.kafka.bootstrap_servers)
    admin = await asyncpg.connect(stack.postgres.admin_url)
    async with referral(stack, databases) as running:
        await eventually(running.ready)
        assert (await running.get("/live")).status_code == 200
        assert "duaal_relay_is_leader" in (await running.get("/metrics")).text
        assert await admin.fetchval(LOCKS, running.database) == 1
        running.process.send_signal(signal.SIGTERM)
        code, written = await running.ended()
        assert code == 0
        assert "Traceback" not in written
        assert "exception" not in written
        await eventually(lambda: admin.fetchval(LOCKS, running.database), lambda locks: locks == 0)
    await admin.close()


async def test_it_can_be_stopped_while_it_still_looks_for_kafka(stack: Stack, databases: Databases) -> None:
    nobody = f"{ports.HOST}:{ports.choose(['nobody'], {})['nobody']}"
    async with referral(stack, databases, kafka=nobody) as running:
        await eventually(lambda: running.get("/live"))
        assert (await running.get("/ready")).json() == {"waiting_for": ["consumer"]}
        running.process.send_signal(signal.SIGTERM)
        code, _ = await running.ended()
        assert code == 0


async def test_a_client_that_never_finishes_its_request_does_not_hold_up_the_end(
    stack: Stack, databases: Databases
) -> None:
    async with referral(stack, databases, role="serve") as running:
        await eventually(running.ready)
        _, slow = await asyncio.open_connection(ports.HOST, int(running.url.rsplit(":", 1)[-1]))
        slow.write(b"POST /questions HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
        await slow.drain()
        running.process.send_signal(signal.SIGTERM)
        code, _ = await running.ended(within=20)
        assert code == 0
        slow.close()


async def test_a_role_of_its_own_does_only_that(stack: Stack, databases: Databases) -> None:
    async with referral(stack, databases, role="relay") as running:
        await eventually(running.ready)
        running.process.send_signal(signal.SIGINT)
        code, _ = await running.ended()
        assert code == 0


async def test_a_misspelt_variable_stops_it_with_a_sentence(stack: Stack, databases: Databases) -> None:
    async with referral(stack, databases, REFERRAL_DATABASE_ULR="x") as running:
        code, written = await running.ended()
        assert code == 2
        assert written.startswith("unknown variable REFERRAL_DATABASE_ULR")
        assert "Traceback" not in written
