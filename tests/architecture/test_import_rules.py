"""The import rules hold, and each of them finds a planted violation."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("contracts", "chassis", "services", "deploy")

VIOLATIONS = [
    ("contracts/intake.py", "import chassis.handling", "One direction"),
    ("chassis/handling.py", "import services.referral.domain.directory", "One direction"),
    ("services/referral/domain/directory.py", "import deploy.local.ports", "One direction"),
    ("services/referral/adapters/tables.py", "import services.intake.domain.case", "No service knows another"),
    ("services/pof/domain/dossier.py", "import sqlalchemy", "A domain is plain Python"),
    ("services/intake/domain/case.py", "import random", "A domain is plain Python"),
    ("services/matching/domain/workplace.py", "import chassis.handling", "A domain is plain Python"),
    ("services/notifications/domain/message.py", "import services.notifications.adapters.tables", "A domain is plain"),
    ("services/referral/application/handlers.py", "import chassis.messaging.pipeline", "An application sees only"),
    ("services/intake/application/handlers.py", "import services.intake.adapters.tables", "An application sees only"),
    ("services/pof/application/handlers.py", "import asyncpg", "An application sees only"),
    ("services/pof/projections/learner.py", "import chassis.unit_of_work", "A projection sees only"),
    ("services/pof/projections/workplace.py", "import services.pof.application.checks", "A projection sees only"),
    ("chassis/projections.py", "import chassis.unit_of_work", "The chassis has floors"),
    ("services/matching/adapters/tables.py", "import aiokafka", "Kafka's clients"),
    ("chassis/service.py", "import faststream", "Kafka's clients"),
    ("contracts/envelope.py", "import yaml", "Contracts are light"),
    ("services/intake/app.py", "import chassis.testing.fakes", "The test kit"),
    ("chassis/commands.py", "import chassis.messaging.pipeline", "The chassis has floors"),
    ("chassis/persistence/store.py", "import chassis.execution", "The chassis has floors"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "*.csv"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_rule_holds(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


def test_every_rule_finds_its_violation(copy: Path) -> None:
    for file, line, _ in VIOLATIONS:
        with (copy / file).open("a") as module:
            module.write(f"\n{line}\n")
    flat = " ".join(lint(copy).stdout.split())
    for file, line, rule in VIOLATIONS:
        importer = file.removesuffix(".py").replace("/", ".")
        assert f"{importer} -> {line.split()[1].split('.')[0]}" in flat, f"{rule}: {importer} may {line}"


def test_each_rule_has_a_planted_violation() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    for rule in rules:
        assert any(rule["name"].startswith(name) for *_, name in VIOLATIONS), (
            f"no violation of {rule['name']!r} is planted"
        )


def test_every_dependency_is_forbidden_in_the_contracts() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    light = next(rule for rule in project["tool"]["importlinter"]["contracts"] if rule["id"] == "light")
    names = {"python-stdnum": "stdnum", "pyyaml": "yaml"}
    for dependency in project["project"]["dependencies"]:
        name = dependency.split("=")[0].split(">")[0].split("[")[0]
        module = names.get(name, name.replace("-", "_"))
        assert module == "pydantic" or module in light["forbidden_modules"], f"{name} may be imported by contracts"
