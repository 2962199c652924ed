"""Ask a question: the form, the check of what was typed, and the way to its private link."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from chassis.access import anyone
from chassis.actors import PUBLIC
from chassis.commands import Commands
from chassis.handling import Refused
from chassis.private_links import hash_of, new_seed, token_of
from chassis.web.forms import Choice, Field, Filled, Form, Kind
from chassis.web.limits import Limits, address_of
from chassis.web.pages import Pages
from contracts.vocabulary import Audience
from services.intake.adapters.words import CrisisNumber
from services.intake.application.commands import AskQuestion, QuestionReceipt
from services.intake.application.ports import Redactor

FORM = Form(
    AskQuestion,
    Field(
        "audience",
        "Wie ben je?",
        kind=Kind.RADIO,
        choices=(
            Choice(Audience.LERENDE, "Ik volg les, of wil dat doen"),
            Choice(Audience.OUDER, "Ik ben ouder of opvoeder"),
            Choice(Audience.ONDERNEMING, "Ik werk bij een bedrijf"),
            Choice(Audience.SCHOOL, "Ik werk op een school"),
            Choice(Audience.ORGANISATIE, "Ik begeleid jongeren, of werk voor een gemeente of organisatie"),
            Choice(Audience.SECTOR, "Ik werk voor een sector"),
        ),
        reasons={"missing": "Kies wie je bent.", "enum": "Kies een van deze mogelijkheden."},
    ),
    Field(
        "text",
        "Je vraag",
        hint="Schrijf zoals je praat. Zet er geen rijksregisternummer of medische informatie in.",
        kind=Kind.LONG,
        reasons={
            "missing": "Schrijf je vraag op.",
            "string_too_short": "Schrijf je vraag op, in enkele woorden of meer.",
            "string_too_long": "Je vraag is te lang. Hou het bij {max_length} tekens, of bel ons.",
        },
    ),
    Field(
        "postal_code",
        "Postcode",
        hint="Zo weten we wie er in jouw streek kan helpen.",
        kind=Kind.SHORT,
        optional=True,
        autocomplete="postal-code",
        reasons={"string_pattern_mismatch": "Een postcode heeft vier cijfers, zoals 8600."},
    ),
    Field(
        "age_band",
        "Hoe oud is de leerling?",
        hint="Vanaf 18 jaar helpen andere mensen.",
        kind=Kind.SELECT,
        choices=(
            Choice("15-17", "15 tot 17 jaar"),
            Choice("18-25", "18 tot 25 jaar"),
            Choice("26+", "26 jaar of ouder"),
        ),
        optional=True,
        reasons={"enum": "Kies een leeftijd uit de lijst, of laat dit leeg."},
    ),
    Field("contact.name", "Naam", kind=Kind.TEXT, optional=True, autocomplete="name"),
    Field(
        "contact.email",
        "E-mailadres",
        hint="Zonder adres lees je het antwoord met de link die je straks krijgt.",
        kind=Kind.EMAIL,
        optional=True,
        autocomplete="email",
        reasons={"string_pattern_mismatch": "Dit is geen volledig e-mailadres. Een voorbeeld: naam@voorbeeld.be."},
    ),
    Field(
        "contact.phone",
        "Telefoon",
        kind=Kind.TEL,
        optional=True,
        autocomplete="tel",
        reasons={"string_pattern_mismatch": "Schrijf het nummer met cijfers, zoals 0470 12 34 56."},
    ),
)

TOO_MANY = "Van uw netwerk kwamen net heel veel vragen. Wacht tien minuten en verstuur opnieuw, of bel ons."
IS_A_PROGRAM = "Dit veld moet leeg blijven. Laad de pagina opnieuw en probeer het nog eens."


class AskPages:
    """The pages under `/vraag` that need no link."""

    def __init__(
        self,
        pages: Pages,
        commands: Commands,
        limits: Limits,
        redact: Redactor,
        crisis_numbers: tuple[CrisisNumber, ...],
    ) -> None:
        self._pages = pages
        self._commands = commands
        self._limits = limits
        self._redact = redact
        self._crisis_numbers = crisis_numbers

    def routes(self) -> APIRouter:
        """The form, and what it is sent to."""
        router = APIRouter(include_in_schema=False, dependencies=[anyone("a public form")])
        router.get("/vraag")(self.show)
        router.post("/vraag")(self.send)
        return router

    async def show(self, request: Request, wie: Annotated[str, Query(max_length=20)] = "") -> Response:
        """The empty form; `wie` is chosen already by whoever came through a door of the home page."""
        return self._form_page(request, FORM.blank(audience=wie), new_seed())

    async def send(self, request: Request) -> Response:
        """One of three steps: check what was typed, change it, send it."""
        data = await request.form()
        seed = _seed(str(data.get("seed", "")))
        form = FORM.read(data)
        if data.get("website"):
            return self._form_page(request, form.wrong(IS_A_PROGRAM), seed, 422)
        if form.command is None:
            return self._form_page(request, form, seed, 422)
        match data.get("step"):
            case "change":
                return self._form_page(request, form, seed)
            case "send":
                return await self._ask(request, form, form.command, seed)
            case _:
                removed = self._redact(form.command.text).removed
                return self._pages.render(request, "ask_check.html", form=form, seed=seed, removed=removed)

    async def _ask(self, request: Request, form: Filled[AskQuestion], command: AskQuestion, seed: str) -> Response:
        if not self._limits.admit(address_of(request)):
            return self._form_page(request, form.wrong(TOO_MANY), seed, 429)
        content = command.model_dump_json()
        token = token_of(seed, content)
        try:
            # The same form sent twice has the same key: one case.
            await self._commands.execute(
                command.model_copy(update={"link": hash_of(token)}),
                QuestionReceipt,
                hash_of(f"{seed}\n{content}"),
                actor=PUBLIC,
            )
        except Refused as refused:
            return self._form_page(request, form.refused(refused), seed, 422)
        return RedirectResponse(f"/vraag/volg/{token}?nieuw=verstuurd", 303)

    def _form_page(self, request: Request, form: Filled[AskQuestion], seed: str, status: int = 200) -> Response:
        return self._pages.render(
            request, "ask.html", status=status, form=form, seed=seed, crisis_numbers=self._crisis_numbers
        )


def _seed(sent: str) -> str:
    """The seed of the form; another one when it is not as we make them, because a link may not be guessed."""
    return sent if 22 <= len(sent) <= 64 else new_seed()
