"""`duaal up`, `duaal down` and `duaal status` on real processes, whatever is dead, frozen or half started.

One platform for all tests of this module, which run in this order: the first leave nothing up, the last one stops it.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.services import SERVICES
from tests.local import probes

PARTS = {"kafka-1", "postgres", "mail", *SERVICES, "login", "gateway"}
PATIENCE = 120.0
"""Seconds; the machine is shared, and a service that lost its database tries again with back-off."""


class Day:
    """A folder of its own, and the commands that a person types in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / ".local" / "up"

    def begin(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        given = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", command, *arguments],
            cwd=self.home,
            env={name: value for name, value in os.environ.items() if name not in given},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str, *arguments: str) -> tuple[int, str]:
        process = self.begin(command, *arguments)
        said, _ = process.communicate(timeout=300)
        return process.returncode, said

    def parts(self) -> dict[str, dict[str, Any]]:
        return {part["part"]: part for part in json.loads(self.run("status", "--json")[1])["parts"]}

    def all_ready(self) -> bool:
        return self.run("status")[0] == 0

    def pids(self) -> dict[str, int]:
        """Of everything that was ever started, as it is written down."""
        records = [*self.folder.glob("*/process.json"), *self.folder.glob("services/*/process.json")]
        return {record.parent.name: json.loads(record.read_text())["pid"] for record in records}

    def ports(self) -> list[Any]:
        files = ("stack.json", "services/ports.json")
        kept = [json.loads((self.folder / file).read_text()) for file in files]
        return [kept[0]["ports"], kept[1]]

    def kill(self, part: str) -> int:
        """kill -9 of this process alone, and of none of its children."""
        pid = self.pids()[part]
        probes.kill_and_wait([psutil.Process(pid)])
        return pid

    def processes(self) -> list[psutil.Process]:
        """Every process that works in the folder or names it."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
                if process.status() != psutil.STATUS_ZOMBIE and any(
                    str(self.home) in word for word in (process.cwd(), *process.cmdline())
                ):
                    found.append(process)
        return found


def changed(pids: dict[str, int], before: dict[str, int]) -> set[str]:
    """The parts that are other processes now."""
    return {part for part, pid in pids.items() if pid != before[part]}


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    day = Day(tmp_path_factory.mktemp("day"))
    yield day
    probes.kill_and_wait(day.processes())


@pytest.mark.parametrize(
    ("moment", "number", "code"),
    [
        ("kafka-1/process.json", signal.SIGINT, 130),
        ("services/ports.json", signal.SIGTERM, 143),
        ("services/intake/process.json", signal.SIGINT, 130),
    ],
    ids=["while Kafka starts", "while databases are migrated", "while services start"],
)
def test_up_that_is_interrupted_leaves_no_process(day: Day, moment: str, number: signal.Signals, code: int) -> None:
    file = day.folder / moment
    file.unlink(missing_ok=True)
    up = day.begin("up")
    probes.eventually(lambda: file.exists() or up.poll() is not None, f"up has come to {moment}", PATIENCE)
    up.send_signal(number)
    said, _ = up.communicate(timeout=120)
    assert (up.returncode, "Interrupted: what this run had started is stopped again" in said) == (code, True), said
    assert day.processes() == []
    assert day.run("status") == (1, "Nothing is up: `make up` starts the platform.\n")


def test_up_twice_starts_everything_once(day: Day) -> None:
    code, said = day.run("up")
    assert code == 0, said
    pids = day.pids()
    assert pids.keys() == PARTS | {"supervisor"}
    assert day.run("up")[0] == 0
    assert day.pids() == pids
    probes.eventually(day.all_ready, "everything is ready", PATIENCE)
    parts = day.parts()
    assert {part["restarts"] for part in parts.values()} == {0}
    address, first_login, *_ = said.splitlines()
    assert address == parts["gateway"]["address"]
    assert first_login == f"Sign in at {address}/aanmelden as:"


@pytest.mark.parametrize("killed", [{"postgres"}, {"referral", "mail", "login", "gateway"}], ids=["postgres", "others"])
def test_the_supervisor_brings_back_what_died(day: Day, killed: set[str]) -> None:
    ports, before = day.ports(), day.pids()
    for part in killed:
        day.kill(part)
    probes.eventually(lambda: changed(day.pids(), before) == killed, f"{killed} are back, and no other", PATIENCE)
    probes.eventually(day.all_ready, "everything is ready again", PATIENCE)
    parts = day.parts()
    assert {part: parts[part]["restarts"] for part in killed} == dict.fromkeys(killed, 1)
    assert day.ports() == ports
    assert changed(day.pids(), before) == killed


def test_a_part_that_a_person_stops_stays_down_until_the_next_up(day: Day) -> None:
    before = day.pids()
    assert day.run("down", "reveral")[0] == 1
    assert day.run("down", "referral") == (0, f"Stopped referral ({before['referral']}).\n")
    day.kill("mail")  # once this is back, the supervisor has looked
    probes.eventually(lambda: changed(day.pids(), before) == {"mail"}, "mail is back", PATIENCE)
    assert day.parts()["referral"]["state"] == "down"
    assert day.run("up")[0] == 0
    assert changed(day.pids(), before) == {"mail", "referral"}
    probes.eventually(day.all_ready, "everything is ready again", PATIENCE)


def test_up_beside_a_frozen_kafka_says_so_and_what_to_do(day: Day) -> None:
    pids = day.pids()
    pid = pids["kafka-1"]
    os.kill(pid, signal.SIGSTOP)
    try:
        code, said = day.run("up")
        assert (code, said) == (
            1,
            f"kafka-1 (process {pid}) is frozen and answers nobody: `kill -CONT {pid}` wakes it, "
            "`make down` stops it.\n",
        )
        kafka = day.parts()["kafka-1"]
        assert (kafka["state"], kafka["ready"]) == ("frozen", None)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert day.pids() == pids


def test_what_a_frozen_service_would_say_is_unknown_and_not_nothing(day: Day) -> None:
    pid = day.pids()["pof"]
    os.kill(pid, signal.SIGSTOP)
    try:
        assert day.run("status")[0] == 1
        frozen = day.parts()["pof"]
        assert (frozen["state"], frozen["ready"], set(frozen["figures"].values())) == ("frozen", None, {None})
    finally:
        os.kill(pid, signal.SIGCONT)
    probes.eventually(day.all_ready, "everything is ready again", PATIENCE)


def test_an_interrupted_up_leaves_what_was_up_and_the_next_one_starts_what_is_missing(day: Day) -> None:
    before, ports = day.pids(), day.ports()
    day.kill("supervisor")
    day.kill("mail")
    up = day.begin("up")
    probes.eventually(lambda: day.pids()["mail"] != before["mail"], "up has started mail", PATIENCE)
    up.send_signal(signal.SIGINT)
    said, _ = up.communicate(timeout=120)
    assert up.returncode == 130, said
    parts = day.parts()
    assert {name for name, part in parts.items() if part["state"] == "down"} == {"mail", "supervisor"}
    assert {name: parts[name]["pid"] for name in PARTS - {"mail"}} == {name: before[name] for name in PARTS - {"mail"}}

    assert day.run("up")[0] == 0
    assert changed(day.pids(), before) == {"mail", "supervisor"}
    assert day.ports() == ports


def test_after_everything_was_killed_up_brings_it_back_and_down_stops_it(day: Day) -> None:
    ports = day.ports()
    probes.kill_and_wait(day.processes())
    code, said = day.run("status")
    assert (code, said.count(" down ")) == (1, len(PARTS) + 1), said
    code, said = day.run("up")
    assert code == 0, said
    assert day.ports() == ports
    assert all(part["state"] == "up" for part in day.parts().values())

    dead, pids = {"supervisor", "postgres"}, day.pids()
    for part in ("supervisor", "postgres"):
        day.kill(part)
    code, said = day.run("down")
    assert code == 0, said
    assert {name for name, pid in pids.items() if f"{name} ({pid})" in said} == pids.keys() - dead, said
    assert day.processes() == []
    assert day.run("down") == (0, "Nothing is up.\n")
