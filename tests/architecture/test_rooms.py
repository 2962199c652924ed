"""Every module says what it is for, every service has the same files, and the domain uses no clock and no chance."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.services import SERVICES, services_in

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "services" / name for name in SERVICES]
CODE = [path for top in ("contracts", "chassis", "services", "deploy") for path in (ROOT / top).rglob("*.py")]


def test_a_service_is_a_folder_with_an_app(tmp_path: Path) -> None:
    for file in ("referral/app.py", "intake/app.py", "shared/rules.csv", "app.py"):
        (tmp_path / "services" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "services" / file).touch()
    assert services_in(tmp_path) == ("intake", "referral")
    assert {"intake", "referral"} <= {*SERVICES}


@pytest.mark.parametrize("module", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_in_a_sentence_what_it_holds(module: Path) -> None:
    docstring = ast.get_docstring(ast.parse(module.read_text()))
    assert docstring, "no docstring"
    assert docstring.splitlines()[0].rstrip().endswith((".", "?", "!")), docstring.splitlines()[0]


@pytest.mark.parametrize("service", FOLDERS, ids=SERVICES)
def test_every_service_has_the_same_rooms(service: Path) -> None:
    for room in (
        "README.md",
        "__main__.py",
        "app.py",
        "settings.py",
        "domain",
        "application/handlers.py",
        "adapters/tables.py",
    ):
        assert (service / room).exists(), room
    assert list((service / "migrations").glob(f"{service.name}_0001.py"))


@pytest.mark.parametrize("service", FOLDERS, ids=SERVICES)
def test_a_services_readme_says_what_it_owns_consumes_publishes_and_keeps_true(service: Path) -> None:
    text = (service / "README.md").read_text()
    for word in ("Owns", "Consumes", "Publishes", "Invariants"):
        assert word in text, word


def calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr


@pytest.mark.parametrize("service", FOLDERS, ids=SERVICES)
def test_domain_and_application_never_ask_for_the_time_or_for_chance(service: Path) -> None:
    for path in [*(service / "domain").rglob("*.py"), *(service / "application").rglob("*.py")]:
        forbidden = {"now", "utcnow", "today", "uuid4", "uuid7", "sleep", "commit"} & set(calls(path))
        assert not forbidden, f"{path.relative_to(ROOT)} calls {forbidden}"


def test_no_folder_is_a_drawer_for_everything() -> None:
    drawers = {"utils", "util", "helpers", "common", "shared", "misc", "base"}
    assert not [path for path in CODE if drawers & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}]


def test_every_declared_metric_is_used() -> None:
    declared = re.findall(
        r"self\.(\w+) = (?:counter|gauge|histogram)\(", (ROOT / "chassis/observability/metrics.py").read_text()
    )
    assert declared
    rest = "".join(path.read_text() for path in CODE if path.name != "metrics.py")
    assert [name for name in declared if f"metrics.{name}." not in rest] == []
