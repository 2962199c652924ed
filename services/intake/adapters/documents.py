"""The documents of intake."""

from pathlib import Path

from chassis.documents.pdf import pdf
from chassis.web.dates import day, moment
from services.intake.adapters.words import Labels, short_number
from services.intake.application.queries import CaseView, QuestionView

RECEIPT = Path(__file__).parent.parent / "templates" / "documents" / "receipt.typ"


def receipt_pdf(case: CaseView, question: QuestionView, labels: Labels, contact: str) -> bytes:
    """What somebody keeps who asked a question of this case: no name, and not the question itself.

    `contact` says in a Dutch sentence how to reach the Steunpunt.
    """
    values = {
        "number": short_number(case.case_id),
        "asked": moment(question.asked_at),
        "audience": labels.of("audience", case.audience),
        "topics": [labels.of("topic", one.topic) for one in question.topics],
        "subregion": labels.of("subregion", case.subregion) if case.subregion else None,
        "due": day(question.due_on),
        "contact": contact,
    }
    return pdf(RECEIPT, values, at=question.asked_at)
