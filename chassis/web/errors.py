"""The pages for what goes wrong: what it is, why, and what to do now."""

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from chassis.web.pages import PRIVATE, Pages

PAGES = Pages()


class Words(NamedTuple):
    """What a page says about an error, when nobody said it better."""

    title: str
    text: str


BY_STATUS = {
    400: Words("We begrijpen deze aanvraag niet", "Ga terug en probeer het opnieuw."),
    401: Words("U bent niet (meer) aangemeld", "Meld u aan en probeer het opnieuw."),
    403: Words("U mag dit niet bekijken of doen", "Vraag de coördinator om de juiste rol."),
    404: Words("Deze pagina vinden we niet", "Het adres is niet juist, of wat hier stond is weg."),
    405: Words("Dit kan hier niet", "Ga terug en gebruik de knoppen van de pagina."),
    409: Words("Dit is intussen veranderd", "Laad de pagina opnieuw en kijk wat er nu staat."),
    413: Words("Dit is te groot", "Maak uw tekst korter en probeer het opnieuw."),
    415: Words("We begrijpen deze aanvraag niet", "Ga terug en probeer het opnieuw."),
    422: Words("Dit kunnen we niet aanvaarden", "Kijk na wat u invulde en probeer het opnieuw."),
    429: Words("Even wachten", "Er kwamen net heel veel vragen. Probeer het over tien minuten opnieuw."),
    500: Words("Dit lukt nu niet", "De fout ligt bij ons. Probeer het over enkele minuten opnieuw."),
    503: Words("Even niet beschikbaar", "Probeer het over enkele seconden opnieuw."),
}


def error_page(request: Request, status: int, text: str | None = None) -> Response:
    """The page for a status; `text` says more exactly what happened."""
    words = BY_STATUS.get(status, BY_STATUS[500 if status >= 500 else 400])
    # An error may stand where a private link leads.
    return PAGES.render(
        request, "error.html", status=status, headers=PRIVATE, title=words.title, text=text or words.text
    )
