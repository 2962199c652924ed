"""The stack as a whole: chooses how to run its servers, and starts and stops them together."""

import json
import secrets
import shutil
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from chassis.login import Login
from deploy.access.passwords import Passwords
from deploy.local import files, kafka_probe, mail, native_postgres, ports, providers
from deploy.local.lock import FolderLock
from deploy.local.native_kafka import Node, controller_name, native_broker, node_name
from deploy.local.ports import HOST
from deploy.local.process import ProcessServer, left_in
from deploy.local.providers import KAFKA_VARIABLE, POSTGRES_VARIABLE, Provider
from deploy.local.reaper import Reaper
from deploy.local.server import GivenServer, Server, StackError

__all__ = ["Kafka", "Mail", "Postgres", "Server", "Stack", "StackError"]

LOCK_SECONDS = 15.0
ADMIN = "admin"


@dataclass(frozen=True)
class Kafka:
    bootstrap_servers: str
    brokers: list[Server]
    passwords: Passwords | None = None
    """The passwords of its users; None when Kafka is not secured."""

    @property
    def admin(self) -> Login | None:
        """The login of the user with all rights; None when Kafka is not secured."""
        return self.login(ADMIN)

    def login(self, user: str) -> Login | None:
        """The login of this user; None when Kafka is not secured."""
        return _login(user, self.passwords)


@dataclass(frozen=True)
class Postgres:
    admin_url: str
    server: Server


@dataclass(frozen=True)
class Mail:
    host: str
    port: int
    mailbox: Path
    server: Server


@dataclass(frozen=True)
class State:
    """What a stack stores in its folder, so that a later process finds the same servers at the same addresses."""

    brokers: int
    detached: bool
    kafka: Provider
    postgres: Provider
    cluster_id: str
    ports: dict[str, int]
    given: dict[str, str]
    secure: bool = False

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        file = directory / "stack.json"
        return cls(**json.loads(file.read_text())) if file.exists() else None

    def write(self, directory: Path) -> None:
        files.write(directory / "stack.json", json.dumps(asdict(self), indent=2))


class Stack:
    """Kafka, PostgreSQL and mail. A context manager: leaving it stops what was started."""

    def __init__(self, directory: Path, state: State, lock: FolderLock) -> None:
        self._directory = directory
        self._lock = lock
        self._reaper: Reaper | None = None
        self._kafka_provider = state.kafka
        self._postgres_provider = state.postgres
        self.kafka = _kafka(directory, state)
        self.postgres = _postgres(directory, state)
        self.mail = _mail(directory, state.ports["mail"])

    @classmethod
    def start(cls, directory: Path, *, brokers: int = 1, detached: bool = False, secure: bool = False) -> Self:
        """Start the stack of this folder, on the data of its former run if there was one.

        A detached stack runs until it is stopped explicitly; when it runs already, that one is returned.
        Any other stack ends with this process, however that ends.
        A secure stack has a Kafka that requires logins and allows only what was granted.

        Raises:
            StackError: nothing here can run a server, or the folder is in use.
        """
        directory = directory.absolute()
        lock = FolderLock(directory)
        lock.acquire(LOCK_SECONDS)
        try:
            stack = cls._start_locked(directory, brokers, detached, secure, lock)
        except BaseException:
            lock.release()
            raise
        if detached:
            lock.release()
        return stack

    @classmethod
    def _start_locked(cls, directory: Path, brokers: int, detached: bool, secure: bool, lock: FolderLock) -> Self:
        former = State.read(directory)
        if former:
            found = cls(directory, former, lock)
            if former.detached and (found._any_running() or found._services()):
                return found._joined(former, brokers, detached, secure)
            found._stop_servers()  # those that a crashed owner left running
            _check_kind(directory, former, brokers, secure)
        state = _fresh_state(former, brokers, detached, secure)
        state.write(directory)
        stack = cls(directory, state, lock)
        stack._reaper = None if detached else Reaper(directory)
        try:
            stack._start_servers()
        except BaseException:
            stack.stop()
            raise
        return stack

    def _joined(self, state: State, brokers: int, detached: bool, secure: bool) -> Self:
        """Use a detached stack that runs already; servers of it that crashed are started again."""
        if not detached:
            raise StackError(f"A detached stack is running in {self._directory}; stop it first, or use it.")
        _check_kind(self._directory, state, brokers, secure)
        with undone_on_failure(self.servers):
            self._start_servers()
        return self

    @classmethod
    def find(cls, directory: Path) -> Self | None:
        """The detached stack that runs in this folder, if there is one."""
        stack = cls.recorded(directory)
        return stack if stack and stack._any_running() else None

    @classmethod
    def recorded(cls, directory: Path) -> Self | None:
        """The detached stack that was last started in this folder, whatever of it runs now."""
        directory = directory.absolute()
        state = State.read(directory)
        return cls(directory, state, FolderLock(directory)) if state and state.detached else None

    @classmethod
    def reap(cls, directory: Path) -> None:
        """Stop what an owner that ended left running, unless another process owns the folder now."""
        lock = FolderLock(directory)
        try:
            lock.acquire(timeout=0)
        except StackError:
            return
        state = State.read(directory)
        if state and not state.detached:
            cls(directory, state, lock).stop()

    @classmethod
    def wipe(cls, directory: Path) -> None:
        """Stop what runs in this folder and remove its data, so that the next start begins with nothing.

        Raises:
            StackError: another process is running the stack of this folder.
        """
        directory = directory.absolute()
        lock = FolderLock(directory)
        lock.acquire(LOCK_SECONDS)
        try:
            if state := State.read(directory):
                cls(directory, state, lock)._stop_servers()
            for entry in set(directory.iterdir()) - {lock.path}:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        finally:
            lock.release()

    def stop(self) -> None:
        """Stop all servers of this stack gracefully; their data stay for the next start."""
        if not self._lock.held:
            self._lock.acquire(LOCK_SECONDS)
        self._stop_servers()
        if self._reaper:
            self._reaper.dismiss()
            self._reaper = None
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def servers(self) -> list[Server]:
        """Those that are ours to start and stop."""
        servers: Iterable[Server] = (*self.kafka.brokers, self.postgres.server, self.mail.server)
        return [server for server in servers if not isinstance(server, GivenServer)]

    def _any_running(self) -> bool:
        return any(server.running for server in self.servers)

    def _start_servers(self) -> None:
        self._each(lambda server: server.start())
        if self._kafka_provider is not Provider.GIVEN:
            kafka_probe.open_for_groups(self.kafka.bootstrap_servers, len(self.kafka.brokers), self.kafka.admin)

    def _stop_servers(self) -> None:
        """Services of the platform that still run here go first: they finish what they began."""
        self.each(self._services(), lambda service: service.stop())
        self._each(lambda server: server.stop())

    def _services(self) -> list[ProcessServer]:
        """Those of the platform that run here, started by whomever."""
        return [service for service in left_in(self._directory / "services") if service.running]

    def _each(self, action: Callable[[Server], None]) -> None:
        self.each(self.servers, action)

    @staticmethod
    def each(servers: Sequence[Server], action: Callable[[Server], None]) -> None:
        """Do it to all servers at once, and wait for all before the first error is raised."""
        # A thread for each: one that waits for its turn would start its server after Ctrl-C had stopped the others.
        threads = ThreadPoolExecutor(max(1, len(servers)))
        running = [threads.submit(action, server) for server in servers]
        try:
            # Not by leaving the executor: it joins its threads, and Python takes a thread whose join was interrupted
            # for one that has ended, so that it would not wait for it at exit either.
            wait(running)
        finally:
            threads.shutdown(wait=False)
        for future in running:
            future.result()


@contextmanager
def undone_on_failure(servers: Sequence[Server]) -> Iterator[None]:
    """Whoever starts these and fails, or is interrupted, stops those again that did not run before."""
    missing = [server for server in servers if not server.running]
    try:
        yield
    except BaseException:
        Stack.each(missing, lambda server: server.stop())
        raise


def _check_kind(directory: Path, state: State, brokers: int, secure: bool) -> None:
    """The data of a folder are for one number of brokers, with or without logins: refuse another kind."""
    if state.brokers != brokers:
        raise StackError(
            f"{directory} holds the data of a stack of {state.brokers} broker(s): "
            "ask for as many, or choose another folder."
        )
    if state.secure != secure:
        kind = "asks for logins" if state.secure else "asks for no logins"
        raise StackError(f"{directory} holds the data of a Kafka that {kind}: ask for that, or choose another folder.")


def _fresh_state(former: State | None, brokers: int, detached: bool, secure: bool) -> State:
    kafka = providers.choose_kafka()
    if secure and kafka is not Provider.NATIVE:
        raise StackError(
            "A secured Kafka of the local stack runs on this machine itself: "
            f"install {providers.KAFKA_REMEDY}, and unset {KAFKA_VARIABLE} and LOCAL_STACK."
        )
    nodes = range(1, brokers + 1)
    names = ["postgres", "mail", *map(node_name, nodes), *map(controller_name, nodes)]
    return State(
        brokers=brokers,
        detached=detached,
        kafka=kafka,
        postgres=providers.choose_postgres(),
        cluster_id=former.cluster_id if former else _new_cluster_id(),
        ports=ports.choose(names, former.ports if former else {}),
        given=providers.given(),
        secure=secure,
    )


def _new_cluster_id() -> str:
    return urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")


def _kafka(directory: Path, state: State) -> Kafka:
    if state.kafka == Provider.GIVEN:
        return Kafka(state.given[KAFKA_VARIABLE], [GivenServer("kafka", KAFKA_VARIABLE)])
    passwords = Passwords(directory / "kafka-passwords.json") if state.secure else None
    admin = _login(ADMIN, passwords)
    nodes = [
        Node(number, directory / node_name(number), state.cluster_id, state.brokers, state.ports, admin)
        for number in range(1, state.brokers + 1)
    ]
    bootstrap_servers = ",".join(f"{HOST}:{node.port}" for node in nodes)
    if state.kafka == Provider.DOCKER:
        from deploy.local.containers import docker_broker  # noqa: PLC0415

        return Kafka(bootstrap_servers, [docker_broker(node) for node in nodes])
    return Kafka(bootstrap_servers, [native_broker(node) for node in nodes], passwords)


def _login(user: str, passwords: Passwords | None) -> Login | None:
    return Login(user, passwords.of(user), tls=False) if passwords else None


def _postgres(directory: Path, state: State) -> Postgres:
    if state.postgres == Provider.GIVEN:
        return Postgres(state.given[POSTGRES_VARIABLE], GivenServer("postgres", POSTGRES_VARIABLE))
    home, port = directory / "postgres", state.ports["postgres"]
    admin_url = native_postgres.admin_url(home, port)
    if state.postgres == Provider.DOCKER:
        from deploy.local.containers import docker_postgres  # noqa: PLC0415

        return Postgres(admin_url, docker_postgres(state.cluster_id, home, port))
    return Postgres(admin_url, native_postgres.native_postgres(home, port))


def _mail(directory: Path, port: int) -> Mail:
    home = directory / "mail"
    return Mail(HOST, port, mail.mailbox_of(home), mail.mail_server(home, HOST, port))
