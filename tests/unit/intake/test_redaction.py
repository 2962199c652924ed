"""National register numbers are removed in every notation, and nothing else is."""

import pytest

from services.intake.adapters.redaction import REPLACEMENT, redact

VALID = "85073003328"


@pytest.mark.parametrize(
    "written", ["85073003328", "85.07.30-033.28", "85 07 30 033 28", "850730-033-28", "85/07/30 033.28"]
)
def test_a_national_number_is_taken_out_however_it_is_written(written: str) -> None:
    redacted = redact(f"Mijn zoon ({written}) is ziek.")
    assert redacted.text == f"Mijn zoon ({REPLACEMENT}) is ziek."
    assert redacted.removed == 1


@pytest.mark.parametrize(
    "text",
    [
        "Bel mij op 0470 12 34 56.",
        "Het nummer 85073003329 heeft een verkeerd controlegetal.",
        "Ondernemingsnummer 0314.595.348",
        "Rekening BE68 5390 0754 7034",
        f"1{VALID}",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert redact(text) == redact(redact(text).text)
    assert redact(text).text == text


def test_every_number_of_a_text_is_taken_out() -> None:
    assert redact(f"{VALID} en {VALID}").removed == 2
