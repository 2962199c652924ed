"""Dutch for what pydantic says in English about a value."""

from collections.abc import Mapping
from typing import Any

REASON = "Deze waarde is niet geldig."
REASONS = {
    "missing": "Dit veld is verplicht.",
    "extra_forbidden": "Dit veld kennen we niet. Kijk de naam na.",
    "enum": "Kies een van deze waarden: {expected}.",
    "string_type": "Hier hoort tekst.",
    "string_too_short": "Minstens {min_length} tekens.",
    "string_too_long": "Hoogstens {max_length} tekens.",
    "string_pattern_mismatch": "Deze waarde heeft niet de juiste vorm.",
    "too_long": "Hoogstens {max_length} waarden.",
    "int_parsing": "Hier hoort een geheel getal.",
    "int_type": "Hier hoort een geheel getal.",
    "greater_than_equal": "Minstens {ge}.",
    "less_than_equal": "Hoogstens {le}.",
    "bool_parsing": "Hier hoort true of false.",
    "date_from_datetime_parsing": "Hier hoort een datum zoals 2026-11-23.",
    "uuid_parsing": "Dit is geen nummer dat wij gaven.",
    "value_error": "Deze waarde is niet geldig. Kijk ze na.",
}
"""By type of error."""


def reason_of(line: Mapping[str, Any], own: Mapping[str, str] | None = None) -> str:
    """The sentence for one error of pydantic; `own` has better ones for this field."""
    sentences = {**REASONS, **(own or {})}
    return sentences.get(line["type"], REASON).format_map(line.get("ctx", {}))
