"""Each server of a stack can be stopped, killed and paused, and restarts with the same data and address."""

import asyncio
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import cast

import asyncpg
import pytest

from deploy.local.mail import mail_server
from deploy.local.process import ProcessServer
from deploy.local.server import Server, StackError
from deploy.local.stack import Stack
from tests.local import probes

Ending = Callable[[Server], None]
endings = pytest.mark.parametrize(
    "end", [lambda server: server.stop(), lambda server: server.kill()], ids=["stop", "kill"]
)


@endings
async def test_kafka_comes_back_with_its_records(stack: Stack, end: Ending, request: pytest.FixtureRequest) -> None:
    topic = f"survives-{request.node.callspec.id}"
    broker = stack.kafka.brokers[0]
    await probes.create_topic(stack, topic)
    await probes.send(stack, topic, b"before")

    await asyncio.to_thread(end, broker)
    assert not broker.running
    await asyncio.to_thread(broker.start)

    assert await probes.records(stack, topic) == [b"before"]


@endings
async def test_postgres_comes_back_with_its_rows(stack: Stack, end: Ending) -> None:
    url, server = stack.postgres.admin_url, stack.postgres.server
    await probes.execute(url, "create table if not exists survivors (name text)")
    await probes.execute(url, "truncate survivors; insert into survivors values ('Lotte')")

    end(server)
    assert not server.running
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncpg.connect(url)
    server.start()

    assert await probes.fetch(url, "select name from survivors") == "Lotte"


async def test_postgres_comes_back_after_only_its_first_process_was_killed(stack: Stack) -> None:
    server = cast(ProcessServer, stack.postgres.server)
    await probes.execute(stack.postgres.admin_url, "create table if not exists orphans (name text)")
    first = server._process()  # its children run for a moment longer, and must not prevent the restart
    assert first is not None
    first.kill()
    probes.eventually(lambda: not server.running, "postgres is gone")
    server.start()
    assert await probes.fetch(stack.postgres.admin_url, "select count(*) from orphans") == 0


async def test_postgres_comes_back_though_its_old_pid_now_belongs_to_another_program(stack: Stack) -> None:
    server = cast(ProcessServer, stack.postgres.server)
    server.kill()
    left_behind = server.log.parent / "data" / "postmaster.pid"
    other = cast(ProcessServer, stack.mail.server).pid
    left_behind.write_text(left_behind.read_text().replace(left_behind.read_text().split()[0], str(other), 1))
    server.start()
    assert await probes.fetch(stack.postgres.admin_url, "select 1") == 1


@pytest.mark.parametrize("which", ["postgres", "mail"])
async def test_a_paused_server_keeps_silent_until_it_is_resumed(stack: Stack, which: str) -> None:
    server, port = {
        "postgres": (stack.postgres.server, int(stack.postgres.admin_url.rpartition(":")[2].split("/")[0])),
        "mail": (stack.mail.server, stack.mail.port),
    }[which]
    server.pause()
    try:
        assert server.running
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(0.3)
            client.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")  # PostgreSQL answers this one: may I use TLS?
            with pytest.raises(TimeoutError):
                client.recv(1)
            server.resume()
            client.settimeout(10)
            assert client.recv(1)
    finally:
        server.resume()


async def test_a_taken_port_is_named_when_a_stopped_server_cannot_come_back(stack: Stack) -> None:
    server = stack.mail.server
    server.stop()
    port = stack.mail.port
    with socket.create_server(("127.0.0.1", port)), pytest.raises(StackError, match=f"Port {port} of mail is taken"):
        server.start()
    server.start()
    assert server.running


def test_a_pid_that_now_belongs_to_another_program_is_not_taken_for_the_server(tmp_path: Path) -> None:
    (tmp_path / "process.json").write_text(json.dumps({"pid": os.getpid(), "born": 0.0}))
    assert not mail_server(tmp_path, "127.0.0.1", 1).running


async def test_starting_a_running_server_changes_nothing(stack: Stack) -> None:
    server = cast(ProcessServer, stack.mail.server)
    pid = server.pid
    server.start()
    assert server.pid == pid
