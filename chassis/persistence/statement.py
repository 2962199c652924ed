"""Statements that need no answer, and can go to the database as one."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple


class Statement(NamedTuple):
    """SQL with `$1`, `$2`, ... and what stands for them."""

    sql: str
    arguments: Sequence[Any]


def together(first: Statement, *others: Statement) -> Statement:
    """One statement that does all of them or nothing, in this order.

    None of them sees what another does, and none may change a row that another changes.
    """
    sql = _together(tuple((one.sql, len(one.arguments)) for one in (first, *others)))
    return Statement(sql, [*chain(first.arguments, *(one.arguments for one in others))])


@lru_cache(1_000)
def _together(statements: tuple[tuple[str, int], ...]) -> str:
    """The same text for the same statements, so that PostgreSQL has it prepared."""
    texts = []
    before = 0
    for sql, arguments in statements:
        texts.append(_numbered_on(sql, before))
        before += arguments
    first, *others = texts
    if not others:
        return first
    # PostgreSQL carries out the statement itself, and then those that nobody reads from, the last one first.
    return f"with {', '.join(f'also_{at} as ({text})' for at, text in enumerate(reversed(others)))} {first}"


def _numbered_on(sql: str, before: int) -> str:
    return re.sub(r"\$(\d+)", lambda argument: f"${int(argument[1]) + before}", sql)
