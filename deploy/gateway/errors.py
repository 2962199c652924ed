"""What the gateway itself answers, where no service can: a page in Dutch, or problem+json for who asks for JSON."""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parent
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
)


@dataclass(frozen=True)
class ErrorAnswer:
    """One answer: for which errors of the gateway it is given, with which status, and its words."""

    errors: tuple[int, ...]
    status: int
    title: str
    explanation: str
    advice: str
    retry_after: int | None = None

    @cached_property
    def page(self) -> str:
        """It stands on its own: the service that has the stylesheet may be the one that is down."""
        return TEMPLATES.get_template("error.html").render(answer=self, style=STYLE)

    @cached_property
    def problem(self) -> str:
        """The same as an RFC 9457 problem, without advice that is about a browser."""
        body = {"title": self.title, "status": self.status, "detail": self.explanation}
        return json.dumps(body, ensure_ascii=False)


STYLE = (HERE / "error.css").read_text()
STYLE_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""Names the style of the page in its Content-Security-Policy, which allows nothing else."""

ERRORS = (
    ErrorAnswer(
        (404,),
        404,
        "Deze pagina bestaat niet",
        "Op dit adres staat niets.",
        "Kijk na of het adres juist is, of begin op de startpagina.",
    ),
    ErrorAnswer(
        (413,),
        413,
        "Dit is te veel tekst",
        "Wat u stuurde is te groot om te ontvangen. Wij hebben het niet bewaard.",
        "Ga terug met de knop van uw browser en maak uw tekst korter.",
    ),
    ErrorAnswer(
        (502, 503, 504),
        503,
        "Deze dienst is even niet bereikbaar",
        "De fout ligt bij ons. Wij starten de dienst opnieuw.",
        "Wacht een halve minuut en probeer het opnieuw. Stuurde u net iets? Ga terug met de knop van uw browser en "
        "stuur het nog eens.",
        retry_after=5,
    ),
)
