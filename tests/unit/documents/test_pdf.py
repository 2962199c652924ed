"""A document shows every text as it is, can be read aloud, and is the same each time."""

import hashlib
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.documents.pdf import NO_SIGN_FOR, DocumentError, pdf
from chassis.testing.builders import NOON
from tests.conftest import ROOT
from tests.unit.documents.reading import reader_of, signs_of, tags_of, text_of

TEXTS = Path(__file__).parent / "texts.typ"
MARKUP = [
    '#import "x": *',
    '#import "@preview/x:1.0.0"',
    '#read("/pyproject.toml")',
    "#values.title #panic()",
    "*vet* _schuin_ `code` ```blok```",
    "$x^2$ en $ sum $",
    "@verwijzing <naam>",
    "= Kop",
    "- lijst\n+ lijst\n/ Woord: uitleg",
    "// weg /* weg */",
    "\\ \\u{1f600} ~ -- --- ... '\" [ ] { } ( )",
    "https://example.org/a?b=c#d",
    "één façade, Łukasz, Şule, Ñandú, Ελένη, Юлия, 3 € ≥ 2 ×",
]


def a_document(text: str = "Dag", *, at: datetime = NOON, **more: Any) -> bytes:
    return pdf(TEXTS, {"title": "Titel", "text": text, "more": [], **more}, at=at)


@pytest.mark.parametrize("text", MARKUP)
def test_what_looks_like_markup_is_text(text: str) -> None:
    assert signs_of(text_of(a_document(text))).count(signs_of(text)) == 4 + 1


@settings(max_examples=20)
@given(st.text(max_size=200))
def test_any_text_makes_a_document(text: str) -> None:
    a_document(text, title=text or "Titel", more=[text])


def test_a_text_of_eight_thousand_signs_is_on_the_pages_to_its_end() -> None:
    text = " ".join(f"woord{number}" for number in range(1000))
    document = a_document(text)
    assert len(text) > 8000
    assert len(reader_of(document).pages) > 5
    assert signs_of(text_of(document)).count("woord999") == 5


def test_a_word_that_is_longer_than_a_line_goes_on_on_the_next() -> None:
    document = a_document("x" * 8000)
    assert signs_of(text_of(document)).count("x") >= 5 * 8000
    assert len(reader_of(document).pages) > 5


def test_a_sign_that_no_font_has_is_replaced() -> None:
    assert signs_of(text_of(a_document("ja 😀👨‍👩‍👧 \x00\x07 nee"))).count("ja��nee") == 5


def test_an_accent_of_its_own_is_joined_to_its_letter() -> None:
    assert "café" in text_of(a_document("cafe\N{COMBINING ACUTE ACCENT}"))


def test_every_sign_that_is_not_replaced_can_be_shown() -> None:
    signs = [chr(code) for code in range(0x20, 0x10000) if category(chr(code))[0] != "C"]
    shown = [sign for sign in signs if not NO_SIGN_FOR.match(sign)]
    assert len(shown) > 1500
    a_document(" ".join(shown), more=[" ".join(shown)])


def test_the_same_values_at_the_same_moment_are_the_same_bytes() -> None:
    assert a_document() == a_document()
    assert a_document() != a_document("Dag!")
    assert a_document() != a_document(at=NOON + timedelta(seconds=1))


def test_another_process_elsewhere_makes_the_same_bytes(tmp_path: Path) -> None:
    lines = (
        "import hashlib, sys",
        "from datetime import datetime",
        "from pathlib import Path",
        "from chassis.documents.pdf import pdf",
        "values = {'title': 'Titel', 'text': 'Dag', 'more': []}",
        "document = pdf(Path(sys.argv[1]), values, at=datetime.fromisoformat(sys.argv[2]))",
        "print(hashlib.sha256(document).hexdigest())",
    )
    environment = {**os.environ, "TZ": "Asia/Tokyo", "LANG": "nl_BE.UTF-8", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "; ".join(lines), str(TEXTS), NOON.isoformat()]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(a_document()).hexdigest()


def test_it_says_that_it_is_accessible_and_in_dutch() -> None:
    document = reader_of(a_document())
    root: Any = document.root_object
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("nl-BE", True)
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] == True  # noqa: E712  (an object of pypdf)
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
    metadata = document.metadata
    assert metadata is not None
    assert (metadata.title, metadata.author) == ("Titel", "Duaal leren West-Vlaanderen, Provinciaal Steunpunt")
    assert metadata.creation_date == NOON


def test_a_screen_reader_is_told_what_is_what() -> None:
    tags = [tag for tag in tags_of(a_document(more=["nog"])) if tag not in {"Strong", "Span"}]
    name_and_value = ["LI", "Lbl", "LBody"]
    assert tags == ["Document", "H1", "P", "P", "L", *2 * name_and_value, "H2", "L", *name_and_value]


def test_its_pages_are_numbered() -> None:
    pages = [page.extract_text() for page in reader_of(a_document("woord " * 600)).pages]
    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        assert page.split("\n")[0] == "Duaal leren West-Vlaanderen, Provinciaal Steunpunt"
        assert f"pagina {number} van {len(pages)}" in page


def test_it_brings_its_fonts_along() -> None:
    (page,) = reader_of(a_document()).pages
    fonts = [font.get_object()["/BaseFont"].partition("+")[2] for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    assert sorted(fonts) == ["AtkinsonHyperlegibleNext-Bold", "AtkinsonHyperlegibleNext-Regular"]


def test_a_template_that_misses_a_value_says_which() -> None:
    with pytest.raises(DocumentError, match=r"texts\.typ: dictionary does not contain key \"text\""):
        pdf(TEXTS, {"title": "Titel"}, at=NOON)
