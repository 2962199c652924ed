"""Finds national register numbers, however they are written, and takes them out before anything is stored."""

import re

from stdnum.be import ssn

from services.intake.application.ports import Redacted

REPLACEMENT = "[rijksregisternummer verwijderd]"

_ELEVEN_DIGITS = re.compile(r"(?<!\d)\d(?:[ .\-/]{0,2}\d){10}(?!\d)")


def redact(text: str) -> Redacted:
    """The text without valid national (INSZ) and bis numbers."""
    removed = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal removed
        if not ssn.is_valid(re.sub(r"\D", "", match[0])):
            return match[0]
        removed += 1
        return REPLACEMENT

    return Redacted(_ELEVEN_DIGITS.sub(replace, text), removed)
