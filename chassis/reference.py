"""Reads dated reference data: a CSV next to the service that owns it, checked against the class of its rows."""

import csv
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


def read_rows(file: Path, kind: type[T]) -> list[T]:
    """One `kind` per row. An empty cell is None, columns that `kind` has no field for (such as `source`) are left out.

    Raises:
        pydantic.ValidationError: a cell is not what the class says; the message names the row and the column.
    """
    with file.open(newline="", encoding="utf-8") as lines:
        rows = [{name: cell or None for name, cell in row.items()} for row in csv.DictReader(lines)]
    return TypeAdapter(list[kind]).validate_python(rows)  # type: ignore[valid-type]
