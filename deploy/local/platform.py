"""The services as processes on a local stack, with the gateway before them and the provider that signs people in."""

import asyncio
import json
import sys
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from chassis.messaging.groups import group_of
from chassis.messaging.topic_creation import create_topics
from chassis.partners import read_partners
from chassis.persistence.migrate import migrate
from deploy.access.grant import grant
from deploy.access.rules import access_of
from deploy.local import files, gateway, login_provider, ports
from deploy.local.blocking import wait_for
from deploy.local.databases import provision, url_of
from deploy.local.login_provider import Logins
from deploy.local.process import ProcessServer, left_in
from deploy.local.server import Server
from deploy.local.stack import Stack
from deploy.local.tokens import Tokens
from deploy.local.webhook_secrets import write_secrets
from deploy.login.tokens import AUDIENCE
from deploy.services import ROOT, SERVICES

PARTNERS = ROOT / "deploy" / "partners"
FRONT = (login_provider.NAME, gateway.NAME)


class Platform:
    """The services of a stack. A context manager: leaving it stops the services, not the stack.

    When its Kafka is secured, each service and each partner gets its own login with the rights of the manifests.
    """

    def __init__(
        self, stack: Stack, directory: Path, *, gateway_port: int | None = None, as_recorded: bool = False
    ) -> None:
        """Where the gateway listens at its first start: at `gateway_port` or the next free port, or at any.

        `as_recorded`: the services of the last start at their ports, whatever runs; nothing is chosen or written.
        """
        self.stack = stack
        self.directory = directory.absolute()
        self._directory = self.directory / "services"
        remembered = self._directory / "ports.json"
        former = json.loads(remembered.read_text()) if remembered.exists() else {}
        chosen: dict[str, int] = former if as_recorded else self._choose_ports(former, gateway_port)
        if not as_recorded:
            files.write(remembered, json.dumps(chosen))
        self.ports = {name: port for name, port in chosen.items() if name not in FRONT}
        self.tokens = Tokens(self.directory)
        self.database_urls = {name: url_of(stack.postgres.admin_url, name) for name in self.ports}
        self.services = {
            name: self._process(name, port, partial(self.environment, name)) for name, port in self.ports.items()
        }
        # What an interrupted start did not come to choose has no port; it does not run either.
        login_port, gateway_port = (chosen.get(name, 0) for name in FRONT)
        self.url = f"http://{ports.HOST}:{gateway_port}"
        self.logins = Logins(self.directory, self._directory / login_provider.NAME, login_port, self.url)
        upstreams = {name: f"{ports.HOST}:{port}" for name, port in self.ports.items()}
        self.gateway = gateway.gateway(self._directory / gateway.NAME, gateway_port, upstreams)

    @classmethod
    def recorded(cls, directory: Path) -> Self | None:
        """The platform that was last started, detached, in this folder, whatever of it runs now."""
        stack = Stack.recorded(directory)
        return cls(stack, directory, as_recorded=True) if stack else None

    @property
    def parts(self) -> list[Server]:
        """Everything of it that is ours to start and stop, in the order in which it starts."""
        return [*self.stack.servers, *self.processes]

    @property
    def processes(self) -> list[Server]:
        """What it adds to the stack: the services, the login provider and the gateway."""
        return [*self.services.values(), self.logins.server, self.gateway]

    def _choose_ports(self, former: dict[str, int], gateway_port: int | None) -> dict[str, int]:
        """A port of a part that still runs is its own, however much it looks taken."""
        names = (*SERVICES, *FRONT)
        running = {part.name for part in left_in(self._directory) if part.running}
        remembered = dict(former)
        if wanted := former.get(gateway.NAME, gateway_port):
            remembered[gateway.NAME] = ports.first_free(wanted)
        chosen = ports.choose(names, remembered)
        return {name: former[name] if name in running else chosen[name] for name in names}

    @staticmethod
    def wipe(directory: Path) -> None:
        """Stop what a crashed run left running in this folder, and remove its data."""
        for record in directory.glob("services/*/process.json"):
            ProcessServer(record.parent.name, record.parent, 0, command=list, answers=bool).kill()
        Stack.wipe(directory)

    @property
    def urls(self) -> dict[str, str]:
        """The base URL of each service."""
        return {name: f"http://{ports.HOST}:{port}" for name, port in self.ports.items()}

    def start(self) -> Self:
        """Bring databases and topics up to date, and start every process that does not run yet."""
        wait_for(self._prepare())
        self.stack.each(self.processes, lambda process: process.start())
        return self

    def stop(self) -> None:
        """Stop every service gracefully: each finishes its work."""
        self.stack.each(self.processes, lambda process: process.stop())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _prepare(self) -> None:
        for name, url in self.database_urls.items():
            await asyncio.to_thread(provision, self.stack.postgres.admin_url, name)
            await migrate(url, ROOT / "services" / name / "migrations")
        kafka, partners = self.stack.kafka, read_partners(PARTNERS)
        copies = min(3, len(kafka.brokers))
        await create_topics(kafka.bootstrap_servers, replication=copies, partners=partners, login=kafka.admin)
        if kafka.admin and kafka.passwords:
            accesses = access_of(SERVICES, partners.values())
            grant(kafka.bootstrap_servers, kafka.admin, accesses, kafka.passwords.of)

    def _process(self, name: str, port: int, environment: Callable[[], Mapping[str, str]]) -> ProcessServer:
        return ProcessServer(
            name,
            self._directory / name,
            port,
            command=lambda: [sys.executable, "-m", f"services.{name}", "run"],
            environment=environment,
            answers=partial(_ready, port),
        )

    def environment(self, name: str) -> dict[str, str]:
        """The settings of a service on this stack."""
        own = {
            "DATABASE_URL": self.database_urls[name],
            "KAFKA_BOOTSTRAP_SERVERS": self.stack.kafka.bootstrap_servers,
            "HTTP_PORT": str(self.ports[name]),
            "SESSION_TIMEOUT": "6",
            "PUBLIC_URL": self.url,
            "OIDC_ISSUER": self.logins.issuer,
            "OIDC_CLIENT_ID": AUDIENCE,
        }
        if login := self.stack.kafka.login(group_of(name)):
            own |= {"KAFKA_USERNAME": login.username, "KAFKA_PASSWORD": login.password, "KAFKA_TLS": "false"}
        if name == "intake":
            hashes = self.tokens.write_hashes(read_partners(PARTNERS))
            own |= {"PARTNERS": str(PARTNERS), "PARTNER_TOKENS": str(hashes)}
        if name == "notifications":
            secrets = write_secrets(self._directory.parent / "webhook-secrets.json", read_partners(PARTNERS))
            own |= {"SMTP_HOST": self.stack.mail.host, "SMTP_PORT": str(self.stack.mail.port)}
            own |= {"PARTNERS": str(PARTNERS), "WEBHOOK_SECRETS": str(secrets), "WEBHOOKS_TO_LOOPBACK": "true"}
            own |= {"INTAKE_URL": self.urls["intake"], "CLIENT_SECRET": self.logins.secret_of("notifications")}
        return {f"{name.upper()}_{key}": value for key, value in own.items()}


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{ports.HOST}:{port}/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
