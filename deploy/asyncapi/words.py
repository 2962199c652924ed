"""Descriptions of fields and codes: the string literal below each of them in the source of the contracts."""

import ast
import inspect
from functools import cache
from itertools import pairwise
from textwrap import dedent
from types import ModuleType


@cache
def words_of(owner: type | ModuleType) -> dict[str, str]:
    """The sentence below each attribute of a class or module; not every attribute has one."""
    statements = ast.parse(dedent(inspect.getsource(owner))).body
    if isinstance(statements[0], ast.ClassDef):
        statements = statements[0].body
    found = {}
    for statement, following in pairwise(statements):
        match statement, following:
            case (
                (ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)])),
                ast.Expr(value=ast.Constant(value=str(words))),
            ):
                found[name] = " ".join(words.split())
    return found


def sentence_of(cls: type) -> str:
    """The docstring of a class on one line."""
    return " ".join((inspect.getdoc(cls) or "").split())
