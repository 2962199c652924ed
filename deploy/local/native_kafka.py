"""Apache Kafka brokers as processes of this machine, in KRaft mode; each is both broker and controller."""

import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from chassis.login import Login
from deploy.local import files, java, kafka_probe
from deploy.local.ports import HOST
from deploy.local.process import ProcessServer
from deploy.local.server import StackError


@dataclass(frozen=True)
class Node:
    """One broker of a cluster, with the values for its configuration."""

    id: int
    home: Path
    cluster_id: str
    size: int
    ports: Mapping[str, int]
    admin: Login | None = None
    """With an admin the broker requires logins, and allows only what was granted."""

    @property
    def name(self) -> str:
        return node_name(self.id)

    @property
    def port(self) -> int:
        return self.ports[self.name]

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def configuration(self) -> Path:
        return self.home / "server.properties"

    @property
    def format_arguments(self) -> Path:
        return self.home / "format.arguments"

    @property
    def recording(self) -> Path:
        return self.home / "classes.jsa"


def node_name(node_id: int) -> str:
    return f"kafka-{node_id}"


def controller_name(node_id: int) -> str:
    """The name of a node's second port, the one between controllers, in the state of the stack."""
    return f"{node_name(node_id)}-controller"


def native_broker(node: Node) -> ProcessServer:
    return ProcessServer(
        node.name,
        node.home,
        node.port,
        command=partial(_command, node),
        answers=partial(kafka_probe.broker_answers, node.port, node.id, node.admin),
        stopped=partial(_keep_recording, node),
    )


def _command(node: Node) -> list[str]:
    files.write(node.configuration, "".join(f"{key}={value}\n" for key, value in _properties(node).items()))
    # The formatter writes this file last: without it, the data come from an interrupted first start.
    if not (node.data / "meta.properties").exists():
        shutil.rmtree(node.data, ignore_errors=True)
        _format(node)
    # One archive is enough for all nodes, so only the first one spends the seconds that writing it takes.
    record = node.recording if node.id == 1 else None
    return _java().command(java.jars(), "kafka.Kafka", str(node.configuration), record=record)


def _format(node: Node) -> None:
    # With "=", because an id that begins with "-" would otherwise be read as an option.
    arguments = ["format", f"--cluster-id={node.cluster_id}", f"--config={node.configuration}"]
    if node.admin:
        arguments.append(f"--add-scram=SCRAM-SHA-512=[name={node.admin.username},password={node.admin.password}]")
    # In a file, because every account of this machine can read the command lines of all processes.
    files.write(node.format_arguments, "\n".join(arguments))
    command = _java().command(java.jars(), "kafka.tools.StorageTool", f"@{node.format_arguments}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    node.format_arguments.unlink()
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise StackError(f"Kafka could not prepare {node.data}: {said[-500:]}")


def _keep_recording(node: Node) -> None:
    """Keep the class archive that Java wrote at its exit: it makes every later start faster."""
    with suppress(FileNotFoundError):
        shutil.move(node.recording, _java().archive(java.jars()))


def _java() -> java.Java:
    found = java.find_java()
    if found is None:
        raise StackError(f"Kafka needs Java {java.OLDEST_JAVA} or newer, and there is none any more.")
    return found


def _properties(node: Node) -> dict[str, object]:
    """The configuration. Voters are static, because the ports of the nodes may change between two starts."""
    voters = (f"{n}@{HOST}:{node.ports[controller_name(n)]}" for n in range(1, node.size + 1))
    protocol = "SASL_PLAINTEXT" if node.admin else "PLAINTEXT"
    return {
        "process.roles": "broker,controller",
        "node.id": node.id,
        "controller.quorum.voters": ",".join(voters),
        "listeners": f"{protocol}://{HOST}:{node.port},CONTROLLER://{HOST}:{node.ports[controller_name(node.id)]}",
        "advertised.listeners": f"{protocol}://{HOST}:{node.port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": f"{protocol}:{protocol},CONTROLLER:{protocol}",
        "inter.broker.listener.name": protocol,
        "log.dirs": node.data,
        **shared_properties(node.size),
        **(_security(node.admin) if node.admin else {}),
    }


def _security(admin: Login) -> dict[str, object]:
    """Logins without TLS, because no connection leaves this machine; a deployment has TLS on every listener.

    Controllers accept only the admin, with a plain password: SCRAM users are stored by the controllers themselves, so
    they do not exist yet when the first one starts.
    """
    credentials = f'username="{admin.username}" password="{admin.password}"'
    scram = f"org.apache.kafka.common.security.scram.ScramLoginModule required {credentials};"
    known = f'user_{admin.username}="{admin.password}"'
    plain = f"org.apache.kafka.common.security.plain.PlainLoginModule required {credentials} {known};"
    return {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": scram,
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": plain,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{admin.username}",
        "allow.everyone.if.no.acl.found": "false",
    }


def shared_properties(size: int) -> dict[str, object]:
    """What is the same for every broker: each topic, Kafka's own ones included, has up to three copies,
    and a write counts once all but one of them have it.
    """
    copies = min(size, 3)
    acknowledged = max(1, copies - 1)
    return {
        "default.replication.factor": copies,
        "min.insync.replicas": acknowledged,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": acknowledged,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": acknowledged,
        "auto.create.topics.enable": "false",
        "num.partitions": 3,
        "offsets.topic.num.partitions": 3,
        "transaction.state.log.num.partitions": 3,
        "group.initial.rebalance.delay.ms": 0,
        "num.network.threads": 2,
        "num.io.threads": 2,
        "log.cleaner.dedupe.buffer.size": 2_097_152,
        # A killed broker is noticed, and may join again, after three seconds instead of nine.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 1000,
        "replica.lag.time.max.ms": 3000,
    }
