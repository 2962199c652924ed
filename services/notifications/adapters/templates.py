"""The letters: plain text from `templates/`, in which a variable that is not defined is an error."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from contracts.codelists.institutions import Institutions
from contracts.codelists.programmes import Programmes
from services.notifications.adapters.dutch import written_day, written_kilometres
from services.notifications.adapters.reference import Labels
from services.notifications.application.ports import Text
from services.notifications.domain.message import Message

TEMPLATES = Path(__file__).parent.parent / "templates"
SUBJECT = "Onderwerp: "


class TextTemplates:
    """Writes the letter of a message, from nothing but its parameters, the code lists and a private link."""

    def __init__(self, labels: Labels, institutions: Institutions, programmes: Programmes, contact: str) -> None:
        self._labels = labels
        self._institutions, self._programmes = institutions, programmes
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            autoescape=False,  # plain text
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.globals["contact"] = contact
        self._environment.filters |= {
            "day": lambda text: written_day(date.fromisoformat(text)),
            "kilometres": lambda text: written_kilometres(float(text)),
            "school": self._school,
            "programme": self._programme,
        }

    def render(self, message: Message, on: date, link: str | None = None) -> Text:
        """The first line of the template is the subject."""
        template = self._environment.get_template(f"{message.template}.txt")
        written = template.render(dict(message.parameters), about=message.about, label=self._label(on), link=link)
        first, _, body = written.partition("\n")
        return Text(first.removeprefix(SUBJECT), body.strip() + "\n")

    def _label(self, on: date) -> Callable[[str, str], str]:
        return lambda vocabulary, code: self._labels.word_for(vocabulary, code, on)

    def _school(self, number: str) -> str:
        known = self._institutions.get(number)
        return known.name if known else f"school {number}"

    def _programme(self, so_number: str) -> str:
        known = self._programmes.get(so_number)
        return known.name if known else f"opleiding {so_number}"
