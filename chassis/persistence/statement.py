"""Several inserts as one statement: one round trip to PostgreSQL, one transaction, all of them or none."""

from collections.abc import Sequence
from typing import Any


class Parameters:
    """The values of one statement. Each gets the next number when it is added: `$1`, `$2`, ..."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def add(self, value: Any) -> str:
        """Its number, to write into the SQL."""
        self.values.append(value)
        return f"${len(self.values)}"

    def unnest(self, columns: Sequence[Sequence[Any]], casts: Sequence[str]) -> str:
        """One array per column, as rows."""
        arrays = (f"{self.add(column)}::{cast}[]" for column, cast in zip(columns, casts, strict=True))
        return f"unnest({', '.join(arrays)})"


def combined(inserts: Sequence[str]) -> str:
    """One statement that carries out all of these, in this order. None of them sees the rows of another."""
    first, *others = inserts
    if not others:
        return first
    # PostgreSQL carries out the main statement, and then those parts that nobody reads from, the last one first.
    parts = ", ".join(f"part_{number} as ({sql})" for number, sql in enumerate(reversed(others)))
    return f"with {parts} {first}"
