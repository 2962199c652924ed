"""Reference data is read in a service's app.py and handed in; one class decides what is valid on a day."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import get_type_hints

import pytest

from contracts.codelists import CodeLists

ROOT = Path(__file__).parents[2]
CODE = [path for top in ("contracts", "chassis", "services", "deploy") for path in (ROOT / top).rglob("*.py")]
WITHOUT_FILES = [
    path for room in ("domain", "application", "projections") for path in ROOT.glob(f"services/*/{room}/*.py")
]
LISTS = {"CodeLists", *(kind.__name__ for kind in get_type_hints(CodeLists).values())}
READERS = {"open", "read_text", "read_bytes", "rows", "read_rows", "files"}
CACHES = {"cache", "lru_cache"}

Broken = Callable[[str], set[str]]


def reads_code_lists(source: str) -> set[str]:
    """The code lists that a module reads itself instead of receiving them."""
    return _calls(source) & {f"{one}.read" for one in LISTS}


def reads_files(source: str) -> set[str]:
    """The calls of a module that read a file."""
    return reads_code_lists(source) | {call for call in _calls(source) if call.rpartition(".")[2] in READERS}


def keeps_globals(source: str) -> set[str]:
    """The functions and names of a module that keep a list globally."""
    top = ast.parse(source).body
    functions = [node for node in top if isinstance(node, ast.FunctionDef)]
    cached = {one.name for one in functions if any(_name(by) in CACHES for by in one.decorator_list)}
    assigned = [node for node in top if isinstance(node, ast.Assign | ast.AnnAssign)]
    return cached.union(*(reads_files(ast.unparse(node)) for node in assigned))


def compares_dates_of_validity(source: str) -> set[str]:
    """The places where a module compares dates of validity itself."""
    nodes = list(ast.walk(ast.parse(source)))
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name == "valid_on"}
    compared = [node for node in nodes if isinstance(node, ast.Compare) and not isinstance(node.ops[0], ast.Is)]
    dates = {_name(side) for node in compared for side in (node.left, *node.comparators)}
    return defined | (dates & {"valid_from", "valid_to"})


def _calls(source: str) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)}


def _name(node: ast.expr) -> str:
    """The last part of a dotted name, called or not."""
    return ast.unparse(node).partition("(")[0].rpartition(".")[2]


def breaking(rule: Broken, paths: list[Path]) -> dict[str, set[str]]:
    return {str(path.relative_to(ROOT)): found for path in paths if (found := rule(path.read_text()))}


def test_rules_handlers_and_projections_read_no_file() -> None:
    assert WITHOUT_FILES
    assert breaking(reads_files, WITHOUT_FILES) == {}


def test_a_service_reads_the_code_lists_in_its_app_and_nowhere_else() -> None:
    found = breaking(reads_code_lists, list(ROOT.glob("services/**/*.py")))
    assert found.keys() == {f"services/{name}/app.py" for name in ("intake", "matching", "notifications", "pof")}


def test_no_code_list_is_kept_globally() -> None:
    assert breaking(keeps_globals, list((ROOT / "contracts/codelists").glob("*.py"))) == {}


def test_one_class_says_whether_something_holds_on_a_day() -> None:
    assert breaking(compares_dates_of_validity, CODE).keys() == {"contracts/codelists/dated.py"}


@pytest.mark.parametrize(
    ("rule", "violation"),
    [
        (reads_code_lists, "def f():\n    return Places.read().municipality('31005')"),
        (reads_files, "def f():\n    return CodeLists.read()"),
        (reads_files, "def f(path):\n    return path.read_text()"),
        (reads_files, "def f():\n    return list(rows('programmes'))"),
        (reads_files, "with open('rules.csv') as lines:\n    pass"),
        (keeps_globals, "@cache\ndef programmes():\n    return {}"),
        (keeps_globals, "@functools.lru_cache(10)\ndef programmes():\n    return {}"),
        (keeps_globals, "PROGRAMMES = Programmes.read()"),
        (keeps_globals, "PROGRAMMES: list[str] = list(rows('programmes'))"),
        (compares_dates_of_validity, "def f(one, day):\n    return one.valid_from <= day"),
        (compares_dates_of_validity, "def f(one, day):\n    return one.valid_to is None or day <= one.valid_to"),
        (compares_dates_of_validity, "class Rule:\n    def valid_on(self, day):\n        return True"),
    ],
)
def test_each_rule_finds_its_violation(rule: Broken, violation: str) -> None:
    assert rule(violation)
