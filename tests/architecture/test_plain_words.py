"""What people read is Dutch that most of them understand: short sentences, short words, in every page and mail.

The formula of Flesch for Dutch counts syllables and words. It knows nothing of meaning, so it finds only what is
certainly hard: a plain mail of ours has more than 70, a sentence of the law less than 20.
"""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import textstat

from chassis.web.errors import BY_STATUS
from deploy.gateway.errors import ERRORS
from services.intake.adapters.pages import ask, follow

ROOT = Path(__file__).parents[2]
EASY_ENOUGH = 60.0
LONGEST_AVERAGE = 12.0
"""Words in a sentence."""
A_SENTENCE = 4
"""Words; what is shorter is a label or a button, and says nothing about how hard a text is."""
INLINE = {"a", "abbr", "b", "code", "em", "i", "span", "strong", "time"}
NAMES = re.compile("(Provinciaal Steunpunt )?Duaal leren West-Vlaanderen|Provinciaal Steunpunt", re.IGNORECASE)
"""Ours, which no sentence can say in shorter words."""
HARDER: dict[str, tuple[float, str]] = {}
"""Texts that may be harder, by how much, and why."""

PAGES = [page for top in ("chassis", "services", "deploy") for page in sorted((ROOT / top).glob("**/*.html"))]
PAGES = [page for page in PAGES if "asyncapi" not in page.parts]  # for programmers, in English
MAILS = sorted((ROOT / "services/notifications/templates").glob("*.txt"))


class Text(HTMLParser):
    """The text of a page; what begins a new block begins a new sentence."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, _: object) -> None:
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._break(tag)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def _break(self, tag: str) -> None:
        if tag not in INLINE:
            self.parts.append("\n\n")


def without_jinja(template: str) -> str:
    """What a template says; a value is one short word, and another branch another sentence."""
    template = re.sub(r"\{#.*?#\}", "", template, flags=re.DOTALL)
    # A condition inside an attribute ends no sentence.
    template = re.sub(r"<[^>]*>", lambda tag: re.sub(r"\{%.*?%\}", "", tag[0]), template, flags=re.DOTALL)
    template = re.sub(r"\{\{.*?\}\}", "dit", template, flags=re.DOTALL)
    return re.sub(r"\{%.*?%\}", "\n\n", template, flags=re.DOTALL)


def sentences_of(text: str) -> list[str]:
    """Each sentence, without what is only a label."""
    parts = re.split(r"(?<=[.!?:])\s+|\n\s*\n", NAMES.sub("ons", text))
    words = (" ".join(part.split()).rstrip(".:!?") for part in parts)
    return [sentence for sentence in words if len(re.findall(r"[^\W\d_]+", sentence)) >= A_SENTENCE]


def texts() -> Iterator[tuple[str, list[str]]]:
    """Everything that people read, by where it stands."""
    for page in PAGES:
        reader = Text()
        reader.feed(without_jinja(page.read_text()))
        yield str(page.relative_to(ROOT)), sentences_of("".join(reader.parts))
    for mail in MAILS:
        # Its lines are sentences, or a label and a value.
        yield str(mail.relative_to(ROOT)), sentences_of(without_jinja(mail.read_text()).replace("\n", "\n\n"))
    for form in (ask, follow):
        fields = form.FORM.fields
        said = [words for one in fields for words in (one.label, one.hint, *one.reasons.values())]
        yield form.__name__, sentences_of("\n\n".join(said))
    yield "chassis.web.errors", sentences_of("\n\n".join(f"{one.title}\n\n{one.text}" for one in BY_STATUS.values()))
    words = (f"{one.title}\n\n{one.explanation}\n\n{one.advice}" for one in ERRORS)
    yield "deploy.gateway.errors", sentences_of("\n\n".join(words))


TEXTS = {place: sentences for place, sentences in texts() if len(sentences) > 1}
"""One sentence alone is no measure."""


def ease_of(sentences: list[str]) -> float:
    """How easy it is to read: 100 for a child, less than 30 for a lawyer."""
    textstat.set_lang("nl")
    return float(textstat.flesch_reading_ease("".join(f"{sentence}. " for sentence in sentences)))


@pytest.mark.parametrize("place", TEXTS)
def test_a_text_is_easy_to_read(place: str) -> None:
    level, _ = HARDER.get(place, (EASY_ENOUGH, ""))
    hardest = sorted(TEXTS[place], key=lambda sentence: ease_of([sentence]))[:3]
    assert ease_of(TEXTS[place]) >= level, f"the hardest sentences: {hardest}"


@pytest.mark.parametrize("place", TEXTS)
def test_sentences_are_short(place: str) -> None:
    lengths = [len(sentence.split()) for sentence in TEXTS[place]]
    longest = max(TEXTS[place], key=lambda sentence: len(sentence.split()))
    assert sum(lengths) / len(lengths) <= LONGEST_AVERAGE, f"the longest sentence: {longest}"


def test_the_measure_knows_easy_from_hard() -> None:
    mail = ["Je stelt je vraag op deze website", "Je hoeft je naam niet te geven", "Wij antwoorden binnen twee dagen"]
    law = ["De programmatieaanvraag wordt overeenkomstig artikel 357/12 door het schoolbestuur ingediend"]
    assert ease_of(mail) > 70
    assert ease_of(law) < 20


def test_every_exception_is_still_needed() -> None:
    assert HARDER.keys() <= TEXTS.keys()
    assert [place for place in HARDER if ease_of(TEXTS[place]) >= EASY_ENOUGH] == []
