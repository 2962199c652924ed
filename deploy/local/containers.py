"""Kafka and PostgreSQL in containers, for machines that have Docker and no Java.

A container is removed at a stop or kill; its data stay in a Docker volume.
"""

import hashlib
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import docker  # type: ignore[import-untyped]
from docker.errors import DockerException, NotFound  # type: ignore[import-untyped]
from docker.models.containers import Container  # type: ignore[import-untyped]
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from deploy.local import kafka_probe, native_kafka, native_postgres
from deploy.local.native_kafka import Node
from deploy.local.ports import HOST
from deploy.local.server import StackError, refuse_frozen

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:17"
START_SECONDS = 120.0
STOP_SECONDS = 15

# Ryuk would remove the containers of a detached stack; those of an attached one are stopped by our own reaper.
testcontainers_config.ryuk_disabled = True


_networking = threading.Lock()


@cache
def _docker() -> docker.DockerClient:
    return docker.from_env()


def docker_answers() -> bool:
    try:
        return bool(docker.from_env(timeout=2).ping())
    except DockerException:
        return False


class KafkaContainer(DockerContainer):
    """The public Apache Kafka image: it reads each property from a variable and formats its own storage."""

    def __init__(self, node: Node, name: Callable[[int], str]) -> None:
        super().__init__(KAFKA_IMAGE)
        self.with_env("CLUSTER_ID", node.cluster_id)
        for key, value in _properties(node, name).items():
            self.with_env(f"KAFKA_{key.upper().replace('.', '_')}", str(value))
        _publish(self, "9092", node.port)


class ContainerServer:
    """A server in a container with a fixed name, so that any process can find and stop it."""

    def __init__(
        self,
        name: str,
        container: str,
        *,
        create: Callable[[], DockerContainer],
        data: str,
        network: str,
        answers: Callable[[], bool],
    ) -> None:
        self.name = name
        self._container_name = container
        self._create = create
        self._data = data
        self._network = network
        self._answers = answers

    @property
    def running(self) -> bool:
        container = self._container()
        return container is not None and container.status in ("running", "paused")

    @property
    def frozen(self) -> bool:
        container = self._container()
        return container is not None and container.status == "paused"

    @property
    def answering(self) -> bool:
        return self._answers()

    @property
    def pid(self) -> int | None:
        return None

    def launch(self) -> None:
        if not self.running:
            self._remove()
            _ensure_network(self._network)
            container = self._create().with_name(self._container_name).with_kwargs(network=self._network)
            container.with_volume_mapping(self._container_name, self._data, mode="rw").start()

    def start(self) -> None:
        refuse_frozen(self)
        self.launch()
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self.running or time.monotonic() > deadline:
                raise StackError(f"{self.name} did not start; its container says:\n{self._last_words()}")
            time.sleep(0.05)

    def stop(self) -> None:
        self.resume()
        if container := self._container():
            container.stop(timeout=STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        self._remove()
        with suppress(DockerException):  # other servers of the stack may still use it
            _docker().networks.get(self._network).remove()

    def pause(self) -> None:
        if container := self._container():
            container.pause()

    def resume(self) -> None:
        container = self._container()
        if container is not None and container.status == "paused":
            container.unpause()

    def _remove(self) -> None:
        """Remove the container, with SIGKILL if it still runs."""
        if container := self._container():
            container.remove(force=True)

    def _container(self) -> Container | None:
        with suppress(NotFound):
            return _docker().containers.get(self._container_name)
        return None

    def _last_words(self) -> str:
        container = self._container()
        return container.logs(tail=8).decode(errors="replace") if container else "nothing, it is gone"


def docker_broker(node: Node) -> ContainerServer:
    network = prefix(node.cluster_id)

    def name(node_id: int) -> str:
        return f"{network}-{native_kafka.node_name(node_id)}"

    return ContainerServer(
        node.name,
        name(node.id),
        create=partial(KafkaContainer, node, name),
        data="/var/lib/kafka/data",
        network=network,
        answers=partial(kafka_probe.broker_answers, node.port, node.id),
    )


def docker_postgres(cluster_id: str, home: Path, port: int) -> ContainerServer:
    def create() -> DockerContainer:
        # Not the PostgresContainer of testcontainers: when the container dies, it waits for its whole time-out.
        container = DockerContainer(POSTGRES_IMAGE).with_envs(
            POSTGRES_USER=native_postgres.SUPERUSER,
            POSTGRES_PASSWORD=native_postgres.password(home),
            POSTGRES_INITDB_ARGS=" ".join(native_postgres.LOCALE),
        )
        _publish(container, "5432", port)
        return container.with_command(native_postgres.options())

    network = prefix(cluster_id)
    return ContainerServer(
        "postgres",
        f"{network}-postgres",
        create=create,
        data="/var/lib/postgresql/data",
        network=network,
        answers=partial(native_postgres.answers, home, port),
    )


def _publish(container: DockerContainer, inside: str, port: int) -> None:
    """Publish a port to this machine only. testcontainers itself would publish it to the whole network."""
    ports: dict[str, Any] = container.ports
    ports[inside] = (HOST, port)


def prefix(cluster_id: str) -> str:
    """Prefix of the names of a stack's containers and volumes: another one when its folder is made again."""
    return f"duaal-{hashlib.sha256(cluster_id.encode()).hexdigest()[:8]}"


def _ensure_network(name: str) -> None:
    """Make the network of the stack, on which brokers reach each other by the names of their containers."""
    with _networking:  # without the lock, Docker could make two with the same name
        if not _docker().networks.list(names=[f"^{name}$"]):
            _docker().networks.create(name)


def _properties(node: Node, name: Callable[[int], str]) -> dict[str, object]:
    """Clients use the published port; brokers and controllers use the network of the stack."""
    voters = ",".join(f"{n}@{name(n)}:9093" for n in range(1, node.size + 1))
    return {
        "process.roles": "broker,controller",
        "node.id": node.id,
        "controller.quorum.voters": voters,
        "listeners": "PLAINTEXT://0.0.0.0:9092,CONTROLLER://0.0.0.0:9093,INTERNAL://0.0.0.0:9094",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{node.port},INTERNAL://{name(node.id)}:9094",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT",
        "inter.broker.listener.name": "INTERNAL",
        "log.dirs": "/var/lib/kafka/data",
        **native_kafka.shared_properties(node.size),
    }
