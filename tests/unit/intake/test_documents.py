"""The receipt of a question: what it says, and what it never says."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

from textstat import textstat

from contracts.vocabulary import AgeBand, Audience, Channel, Language, Subregion, Topic
from services.intake.adapters.documents import receipt_pdf
from services.intake.adapters.reference import read_labels
from services.intake.adapters.words import short_number
from services.intake.application.queries import CaseView, QuestionView, TopicView
from services.intake.domain.case import CaseStatus
from tests.unit.documents.reading import reader_of, tags_of, text_of

ASKED = datetime(2026, 11, 24, 22, 5, tzinfo=UTC)
DUE = date(2026, 12, 1)
QUESTION = QuestionView(
    id=UUID("01935f2a-6c00-7000-8000-0000000000c1"),
    channel=Channel.WEB,
    topics=(TopicView(Topic.T03, ("T03-01",)), TopicView(Topic.T02, ())),
    asked_at=ASKED,
    due_on=DUE,
)
CASE = CaseView(
    case_id=UUID("01935f2a-6c00-7000-8000-0a3b7c2190af"),
    audience=Audience.OUDER,
    age_band=AgeBand.FROM_15_TO_17,
    language=Language.NL,
    subregion=Subregion.WESTHOEK,
    opened_at=ASKED,
    due_on=DUE,
    status=CaseStatus.OPEN,
    questions=(QUESTION,),
    referrals=(),
)
CONTACT = "Mail naar steunpunt@duaalwest.example."
RECEIPT = """
Duaal leren West-Vlaanderen, Provinciaal Steunpunt
Ontvangstbewijs
We hebben de vraag goed ontvangen.
Ten laatste op di 1 december 2026 neemt iemand contact op.
De vraag
Nummer 7C21-90AF
Gesteld op di 24 november 2026, 23.05 uur
Vraag van Ouder
Gaat over Een studie kiezen
Welke opleidingen er zijn
Regio Westhoek
Wat er nu gebeurt
1. Iemand van het Steunpunt leest de vraag.
2. We zoeken wie het best kan helpen: wijzelf, een school, het CLB of een andere partner.
3. Ten laatste op di 1 december 2026 neemt iemand contact op.
Iets vragen of aanvullen?
Mail naar steunpunt@duaalwest.example. Geef dan het nummer 7C21-90AF door.
Ontvangstbewijs pagina 1 van 1
"""


def a_receipt(case: CaseView = CASE, question: QuestionView = QUESTION) -> bytes:
    return receipt_pdf(case, question, read_labels(), CONTACT)


def test_it_says_when_what_about_and_what_happens_next_and_nothing_else() -> None:
    assert text_of(a_receipt()) == " ".join(RECEIPT.split())


def test_without_a_subregion_it_says_nothing_about_one() -> None:
    assert "Regio" not in text_of(a_receipt(replace(CASE, subregion=None)))


def test_it_is_of_the_moment_of_the_question_so_it_is_the_same_whenever_it_is_made() -> None:
    assert a_receipt() == a_receipt()
    metadata = reader_of(a_receipt()).metadata
    assert metadata is not None
    assert metadata.creation_date == ASKED


def test_it_can_be_read_aloud() -> None:
    tags = tags_of(a_receipt())
    assert [tag for tag in tags if tag in {"H1", "H2", "P", "L"}] == ["H1", "P", "P", "H2", "L", "H2", "L", "H2", "P"]


def test_its_words_are_easy() -> None:
    sentences = [
        "We hebben de vraag goed ontvangen.",
        "Ten laatste op di 1 december 2026 neemt iemand contact op.",
        "Iemand van het Steunpunt leest de vraag.",
        "We zoeken wie het best kan helpen: wijzelf, een school, het CLB of een andere partner.",
    ]
    textstat.set_lang("nl")
    assert textstat.flesch_reading_ease(" ".join(sentences)) > 70


def test_the_short_number_is_the_end_of_the_id() -> None:
    assert short_number(CASE.case_id) == "7C21-90AF"
