"""Checks with a client of Kafka whether it is ready."""

import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from chassis.login import Login
from chassis.messaging.connections import client_arguments
from deploy.local.blocking import wait_for
from deploy.local.ports import HOST
from deploy.local.server import StackError

GROUP_SECONDS = 30.0
_quiet = threading.Lock()


def broker_answers(port: int, node_id: int, login: Login | None = None) -> bool:
    """Whether the broker behind this port has joined its cluster and serves clients."""

    async def is_member(admin: AIOKafkaAdminClient) -> bool:
        cluster = await admin.describe_cluster()
        return any(broker["node_id"] == node_id for broker in cluster["brokers"])

    return _ask(f"{HOST}:{port}", login, is_member)


def open_for_groups(bootstrap_servers: str, brokers: int, login: Login | None = None) -> None:
    """Wait for the whole cluster and a first group, which makes Kafka create its topic for offsets.

    Without this, the first real consumer would log errors about a missing coordinator.
    """

    async def has_coordinator(admin: AIOKafkaAdminClient) -> bool:
        cluster = await admin.describe_cluster()
        await admin.find_coordinator("local-stack")
        return len(cluster["brokers"]) == brokers

    deadline = time.monotonic() + GROUP_SECONDS
    while not _ask(bootstrap_servers, login, has_coordinator):
        if time.monotonic() > deadline:
            raise StackError(f"Kafka at {bootstrap_servers} runs, but has no group coordinator yet.")
        time.sleep(0.05)


def _ask(
    bootstrap_servers: str, login: Login | None, question: Callable[[AIOKafkaAdminClient], Awaitable[bool]]
) -> bool:
    async def ask() -> bool:
        admin = AIOKafkaAdminClient(
            bootstrap_servers=bootstrap_servers, request_timeout_ms=2000, **client_arguments(login)
        )
        try:
            await admin.start()
            return await question(admin)
        except (KafkaError, OSError, TimeoutError):
            return False
        finally:
            await admin.close()

    with _silence():
        return wait_for(ask())


@contextmanager
def _silence() -> Iterator[None]:
    """Suppress aiokafka's errors about a server that is still starting; one thread at a time."""
    log = logging.getLogger("aiokafka")
    with _quiet:
        level = log.level
        log.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            log.setLevel(level)
