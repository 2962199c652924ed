"""The JSON Schema of every event: made from the model, committed under `schemas/`, named by its own content."""

import hashlib
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from contracts.event import Event
from contracts.registry import EVENTS

FOLDER = Path(__file__).parent / "schemas"


@cache
def schema_of(model: type[Event]) -> dict[str, Any]:
    """The closed schema that a writer keeps to (JSON Schema 2020-12), with an `$id` that follows from its content."""
    schema = model.model_json_schema()
    digest = hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:12]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:duaalwest:schema:{model.declaration.type}:{digest}",
        **schema,
    }


def text_of(model: type[Event]) -> str:
    """The schema as the file that is committed."""
    return json.dumps(schema_of(model), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """`python -m contracts.schema`: write every schema file again."""
    FOLDER.mkdir(exist_ok=True)
    for type_, model in EVENTS.items():
        (FOLDER / f"{type_}.json").write_text(text_of(model))
    sys.stdout.write(f"{len(EVENTS)} schemas in {FOLDER}\n")


if __name__ == "__main__":
    main()
