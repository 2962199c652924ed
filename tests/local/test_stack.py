"""A stack starts after any kind of end of its former run, and leaves no processes behind."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.databases import provision
from deploy.local.server import StackError
from deploy.local.stack import Stack
from tests.interrupts import interruptible
from tests.local import probes

OWNER = """
import signal, sys
from pathlib import Path
from deploy.local.stack import Stack
from deploy.local.process import ProcessServer
home = Path(sys.argv[1])
Stack.start(home, detached=sys.argv[2] == "detached")
command = [sys.executable, "-c", "import time; time.sleep(600)", str(home)]
ProcessServer("a-service", home / "services" / "a-service", 0, command=lambda: command, answers=lambda: True).start()
print("started", flush=True)
if sys.argv[2] == "attached":
    signal.pause()
"""


def start_owner(directory: Path, kind: str) -> subprocess.Popen[str]:
    command = interruptible(sys.executable, "-c", OWNER, str(directory), kind)
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    assert owner.stdout.readline() == "started\n"
    return owner


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for all tests that stop and start a stack, so that only the first start has to make the data."""
    directory = tmp_path_factory.mktemp("restarted")
    yield directory
    assert probes.servers_of(directory) == []


async def test_a_stack_comes_back_after_everything_was_killed_and_a_port_was_taken(home: Path) -> None:
    owner = start_owner(home, "attached")
    probes.kill_and_wait([psutil.Process(owner.pid), *probes.servers_of(home)])
    owner.communicate()
    taken = json.loads((home / "stack.json").read_text())["ports"]["kafka-1"]
    with socket.create_server(("127.0.0.1", taken)), Stack.start(home) as stack:
        assert str(taken) not in stack.kafka.bootstrap_servers
        assert await probes.fetch(provision(stack.postgres.admin_url, "intake"), "select 1") == 1
        await probes.create_topic(stack, "after-the-crash")
        await probes.send(stack, "after-the-crash", b"alive")
        assert await probes.records(stack, "after-the-crash") == [b"alive"]
    assert probes.servers_of(home) == []


def test_servers_that_a_crashed_owner_left_are_replaced(home: Path) -> None:
    owner = start_owner(home, "attached")
    (reaper,) = (process for process in probes.servers_of(home) if "deploy.local.reaper" in process.cmdline())
    reaper.kill()
    owner.kill()
    owner.communicate()
    left = probes.servers_of(home)
    assert len(left) == 4
    with Stack.start(home):
        assert not any(process.is_running() for process in left)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_an_attached_stack_ends_with_its_owner(home: Path, signal_number: signal.Signals) -> None:
    owner = start_owner(home, "attached")
    assert len(probes.servers_of(home)) >= 5
    owner.send_signal(signal_number)
    owner.communicate()
    probes.eventually(lambda: not probes.servers_of(home), "all servers of the owner are gone")


def test_a_detached_stack_is_found_again_shared_and_stopped(home: Path) -> None:
    assert start_owner(home, "detached").wait() == 0
    found = Stack.find(home)
    assert found is not None
    with pytest.raises(StackError, match="detached stack is running"):
        Stack.start(home)
    found.mail.server.kill()
    shared = Stack.start(home, detached=True)
    assert shared.kafka.bootstrap_servers == found.kafka.bootstrap_servers
    assert shared.mail.server.running
    found.stop()
    assert Stack.find(home) is None
    assert probes.servers_of(home) == []


def test_a_folder_has_one_owner(directory: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stack.mail.server.running
    monkeypatch.setattr("deploy.local.stack.LOCK_SECONDS", 0.1)
    with pytest.raises(StackError, match=f"Process {os.getpid()} is already running the stack"):
        Stack.start(directory)
    assert Stack.find(directory) is None


async def test_three_brokers_survive_the_loss_of_one(tmp_path: Path) -> None:
    with Stack.start(tmp_path, brokers=3) as stack:
        first, second, third = stack.kafka.brokers
        await probes.create_topic(stack, "copied", copies=3)
        await probes.send(stack, "copied", b"three")
        second.kill()
        assert first.running
        assert third.running
        await probes.send(stack, "copied", b"two")
        second.start()
        assert await probes.records(stack, "copied") == [b"three", b"two"]
        for broker in stack.kafka.brokers:
            broker.kill()  # at a graceful stop the last one would wait for a majority
    with pytest.raises(StackError, match="3 broker"):
        Stack.start(tmp_path, brokers=1)


def test_without_java_and_docker_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from deploy.local.stack import Stack; Stack.start(Path(sys.argv[1]))"
    )
    bare = {"PATH": "", "XDG_CACHE_HOME": str(tmp_path), "DOCKER_HOST": f"unix://{tmp_path}/none"}
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], env=bare, capture_output=True, text=True, check=False
    )
    said = done.stderr.splitlines()[-1]
    assert said.startswith("deploy.local.server.StackError: Kafka cannot run here, because Java 17 or newer and Maven")
    assert "openjdk-17-jre-headless maven" in said
    assert probes.servers_of(tmp_path) == []


def test_given_servers_are_used_and_never_stopped(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka.bootstrap_servers)
    monkeypatch.setenv("DATABASE_URL", stack.postgres.admin_url)
    with Stack.start(tmp_path) as guest:
        assert guest.kafka.bootstrap_servers == stack.kafka.bootstrap_servers
        assert guest.postgres.admin_url == stack.postgres.admin_url
        with pytest.raises(StackError, match="Cannot kill postgres: it was given by DATABASE_URL"):
            guest.postgres.server.kill()
    assert stack.kafka.brokers[0].running
    assert stack.postgres.server.running
