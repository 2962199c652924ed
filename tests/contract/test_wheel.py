"""The wheel that a partner installs: it needs pydantic only, and holds models, schemas, examples and a command."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.test_verify import message

CONTRACTS = Path(__file__).parents[2] / "contracts"


def done(*command: str | Path, given: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def partner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a new environment in which only the wheel is installed."""
    folder = tmp_path_factory.mktemp("partner")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=CONTRACTS, check=True, capture_output=True)
    (wheel,) = folder.glob("duaal_contracts-*.whl")
    uv = os.environ.get("UV") or shutil.which("uv")
    assert uv, "uv is not found: run the tests with `make test`"
    assert done(uv, "venv", "--quiet", "--python", sys.executable, folder / "venv").returncode == 0
    install = (uv, "pip", "install", "--quiet", "--python", folder / "venv", wheel)
    # Without a network, uv takes pydantic from its cache, which has it because we use it too.
    installed = done(*install, "--offline")
    if installed.returncode:
        installed = done(*install)
    assert installed.returncode == 0, installed.stderr
    return folder / "venv" / "bin"


def asked(partner: Path, code: str) -> str:
    answer = done(partner / "python", "-I", "-c", code)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_it_brings_pydantic_and_nothing_else(partner: Path) -> None:
    code = "from importlib.metadata import distributions; print(*(part.name.lower() for part in distributions()))"
    own_needs = {"annotated-types", "pydantic-core", "typing-extensions", "typing-inspection"}
    assert set(asked(partner, code).replace("_", "-").split()) == {"duaal-contracts", "pydantic", *own_needs}


def test_every_module_of_it_can_be_imported(partner: Path) -> None:
    code = """
import importlib, pkgutil, contracts
names = [module.name for module in pkgutil.walk_packages(contracts.__path__, "contracts.")]
for name in names:
    if "first_steps" not in name:
        importlib.import_module(name)
print("contracts.partner" in names, contracts.__file__)
"""
    found, place = asked(partner, code).split()
    assert found == "True"
    assert Path(place).is_relative_to(partner.parent)


def test_the_code_lists_are_inside_and_can_be_read(partner: Path) -> None:
    code = """
from contracts.codelists import CodeLists
lists = CodeLists.read()
print(lists.programmes.get("88").name, lists.institutions.get("34074").nis, lists.joint_committees.get("112").fund)
print(len(lists.places.municipalities), len(lists.places.postal_codes))
"""
    assert asked(partner, code).splitlines() == ["Elektrische installaties duaal 31005 Educam", "66 108"]


def test_models_schemas_examples_and_types_are_inside(partner: Path) -> None:
    code = """
import json
from importlib.resources import files
from contracts.registry import EVENTS
from contracts.schema import recorded
inside = files("contracts")
assert (inside / "py.typed").is_file()
for type_, model in EVENTS.items():
    example = json.loads((inside / "examples" / f"{type_}.full.json").read_text())
    model.from_json(json.dumps(example["data"]).encode())
    newest = json.loads((inside / "schemas" / type_ / f"{max(recorded(type_))}.writer.json").read_text())
    assert newest["title"] == model.__name__
print(len(EVENTS))
"""
    assert int(asked(partner, code)) > 20


def verified(partner: Path, file: Path) -> subprocess.CompletedProcess[str]:
    return done(partner / "duaal-contracts", "verify", file)


def test_a_good_file_is_good(partner: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text(f"{json.dumps(message())}\n{json.dumps(message())}\n")
    answer = verified(partner, file)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "2 good, 0 wrong\n", "")


def test_a_bad_file_is_reported_line_by_line(partner: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    bad = message()
    bad["data"] = bad["data"] | {"audience": "Jan Peeters"}
    file.write_text(f"{json.dumps(message())}\n{json.dumps(bad)}\noops\n")
    answer = verified(partner, file)
    assert answer.returncode == 1
    first, second, summary = answer.stdout.splitlines()
    assert first.startswith("line 2, data.audience: has to be one of LERENDE, OUDER, ")
    assert first.endswith("given is a text of 11 characters  [NOT_IN_LIST]")
    assert second.startswith("line 3: is not JSON")
    assert summary == "1 good, 2 wrong (NOT_IN_LIST 1, NOT_JSON 1)"


def test_nothing_to_read_is_said_and_is_no_success(partner: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert verified(partner, tmp_path / "empty").returncode == 2
    missing = verified(partner, tmp_path / "missing")
    assert missing.returncode == 2
    assert missing.stderr.endswith("missing cannot be read: No such file or directory.\n")


def test_it_reads_standard_input(partner: Path) -> None:
    answer = done(partner / "duaal-contracts", "verify", "-", given=json.dumps(message()))
    assert (answer.returncode, answer.stdout) == (0, "1 good, 0 wrong\n")
