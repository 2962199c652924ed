"""The same stack in containers. Needs a Docker daemon; the images need not be the public ones."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker  # type: ignore[import-untyped]
import pytest

from deploy.local.containers import prefix
from deploy.local.databases import provision
from deploy.local.stack import Stack, State
from tests.local import probes

pytestmark = pytest.mark.docker


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    assert containers(tmp_path) == set()
    for volume in docker.from_env().volumes.list(filters={"name": stack_prefix(tmp_path)}):
        volume.remove()


def containers(directory: Path) -> set[str]:
    named = {"name": stack_prefix(directory)}
    return {container.name for container in docker.from_env().containers.list(all=True, filters=named)}


def stack_prefix(directory: Path) -> str:
    state = State.read(directory)
    assert state
    return prefix(state.cluster_id)


async def test_data_survive_kills_and_a_restart_of_the_whole(home: Path) -> None:
    with Stack.start(home) as stack:
        (broker,), postgres = stack.kafka.brokers, stack.postgres.server
        assert len(containers(home)) == 2
        intake = provision(stack.postgres.admin_url, "intake")
        await probes.execute(intake, "create table learners as select 'Lotte' as name")
        await probes.create_topic(stack, "survives")
        await probes.send(stack, "survives", b"before")
        for server in (broker, postgres):
            server.kill()
            assert not server.running
            server.start()
        postgres.pause()
        assert postgres.running
        postgres.resume()
        assert await probes.records(stack, "survives") == [b"before"]
        assert await probes.fetch(intake, "select name from learners") == "Lotte"
    assert containers(home) == set()

    with Stack.start(home) as stack:
        assert provision(stack.postgres.admin_url, "intake") == intake
        assert await probes.fetch(intake, "select name from learners") == "Lotte"
        assert await probes.records(stack, "survives") == [b"before"]


async def test_three_brokers_survive_the_loss_of_one(home: Path) -> None:
    with Stack.start(home, brokers=3) as stack:
        await probes.create_topic(stack, "copied", copies=3)
        await probes.send(stack, "copied", b"three")
        stack.kafka.brokers[1].kill()
        await probes.send(stack, "copied", b"two")
        stack.kafka.brokers[1].start()
        assert await probes.records(stack, "copied") == [b"three", b"two"]
        for broker in stack.kafka.brokers:
            broker.kill()


def test_containers_end_with_their_owner(home: Path) -> None:
    script = (
        "import signal, sys; from pathlib import Path; from deploy.local.stack import Stack;"
        "Stack.start(Path(sys.argv[1])); print('started', flush=True); signal.pause()"
    )
    owner = subprocess.Popen([sys.executable, "-c", script, home], stdout=subprocess.PIPE, text=True, env=os.environ)
    assert owner.stdout
    assert owner.stdout.readline() == "started\n"
    owner.send_signal(signal.SIGTERM)
    owner.communicate()
    probes.eventually(lambda: not containers(home), "all containers of the owner are gone", seconds=30)
    probes.eventually(lambda: not probes.servers_of(home), "mail and reaper are gone")


def test_a_detached_stack_is_found_again(home: Path) -> None:
    started = Stack.start(home, detached=True)
    found = Stack.find(home)
    assert found is not None
    assert found.kafka.bootstrap_servers == started.kafka.bootstrap_servers
    found.stop()
    assert Stack.find(home) is None
