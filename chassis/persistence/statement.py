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
    """One statement that does all of them or nothing, the first one first.

    None of them sees what another does, and none may change a row that another changes.
    """
    sql = _together(tuple((one.sql, len(one.arguments)) for one in (first, *others)))
    return Statement(sql, [*chain(first.arguments, *(one.arguments for one in others))])


@lru_cache(1_000)
def _together(statements: tuple[tuple[str, int], ...]) -> str:
    """The text; always the same for the same statements, so that PostgreSQL has it prepared."""
    offset, texts = 0, []
    for sql, arguments in statements:
        texts.append(re.sub(r"\$(\d+)", lambda found, by=offset: f"${int(found[1]) + by}", sql))  # type: ignore[misc]
        offset += arguments
    first, *others = texts
    # What nobody reads from is done last: PostgreSQL carries out the statement itself before these.
    return (
        "with " + ", ".join(f"s{at} as ({text})" for at, text in enumerate(others)) + " " + first if others else first
    )
