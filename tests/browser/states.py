"""Every page in every state: the one list that axe, the check of the layout and `make screens` go through."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Page, expect

from deploy.gateway.errors import ERRORS
from tests.browser.pages import AskPage, CheckPage
from tests.browser.scene import Scene
from tests.browser.visitor import Visitor

READER, OPERATOR, COORDINATOR = "Lezer", "Medewerker aan de balie", "Coördinator"
AUDITOR, SECRETARY, SCHOOL = "Auditor", "Secretaris van de POF", "VTI Brugge"

LONG = "Heel de dag poetsen en vegen, en nooit iets leren. " * 160
"""Too long for any form."""


@dataclass(frozen=True)
class State:
    """A page as somebody may meet it."""

    name: str
    path: str
    """May have parts of the scene: `/balie/{late.case_id}`."""
    person: str = ""
    """Who looks at it; nobody in particular when empty."""
    then: Callable[[Page], Awaitable[object]] | None = None
    """What they do there."""

    def __str__(self) -> str:
        return self.name

    async def reach(self, visitor: Visitor, scene: Scene) -> None:
        """Go there."""
        await visitor.goto(self.path.format_map(vars(scene)))
        if self.then:
            await self.then(visitor.page)


async def ask_nothing(page: Page) -> None:
    await AskPage(page).submit()
    await expect(page.get_by_role("alert")).to_be_visible()


async def ask_wrongly(page: Page) -> None:
    form = await (await AskPage(page).choose("Ik werk op een school")).fill(
        text=LONG, postal_code="99", email="griet@voorbeeld", phone="bel mij"
    )
    await form.submit()
    await expect(page.get_by_role("alert")).to_be_visible()


async def ask_as_a_program(page: Page) -> None:
    # A trap that no person sees: only the hand of a program reaches it.
    await page.locator("#website").evaluate("field => field.value = 'https://voorbeeld.be'")
    await ask_well(page)
    await AskPage(page).submit()
    await expect(page.get_by_role("alert")).to_be_visible()


async def ask_well(page: Page) -> None:
    await AskPage(page).fill(text="Welke opleidingen zijn er in de buurt van Ieper?", postal_code="8900")


async def check(page: Page) -> None:
    await ask_well(page)
    await AskPage(page).check()


async def check_a_national_number(page: Page) -> None:
    await AskPage(page).fill(text="Mijn nummer is 85.07.30-033.28. Mag ik een opleiding volgen?")
    await AskPage(page).check()


async def change(page: Page) -> None:
    await check(page)
    await CheckPage(page).change()


async def add_nothing(page: Page) -> None:
    await page.get_by_role("button", name="Voeg toe").click()
    await expect(page.get_by_role("alert")).to_be_visible()


async def show_contact(page: Page) -> None:
    await page.get_by_role("button", name="Toon naam en contact").click()
    await expect(page.get_by_role("button", name="Toon naam en contact")).to_have_count(0)


async def search_by_number(page: Page) -> None:
    """The number of a case, from the address of its own page."""
    await page.goto(page.url.replace("/balie/", "/balie/inzage?nummer="))


async def gateway_speaks(page: Page) -> None:
    """What the gateway says of a service that is down, in the place of its other page.

    To stop a service here would disturb others.
    """
    (down,) = (answer for answer in ERRORS if answer.status == 503)
    await page.set_content(down.page)


STATES = (
    State("home", "/"),
    State("privacy", "/privacy"),
    State("accessibility", "/toegankelijkheid"),
    State("not-found", "/nergens"),
    State("gateway-not-found", "/metrics"),
    State("gateway-service-down", "/metrics", then=gateway_speaks),
    State("ask", "/vraag"),
    State("ask-as-a-parent", "/vraag?wie=OUDER"),
    State("ask-empty", "/vraag", then=ask_nothing),
    State("ask-errors", "/vraag", then=ask_wrongly),
    State("ask-program", "/vraag?wie=OUDER", then=ask_as_a_program),
    State("ask-check", "/vraag?wie=OUDER", then=check),
    State("ask-check-national-number", "/vraag?wie=LERENDE", then=check_a_national_number),
    State("ask-change", "/vraag?wie=OUDER", then=change),
    State("follow-new", "/vraag/volg/{asked.token}?nieuw=verstuurd"),
    State("follow-asked", "/vraag/volg/{asked.token}"),
    State("follow-ours", "/vraag/volg/{ours.token}"),
    State("follow-advised", "/vraag/volg/{advised.token}"),
    State("follow-taken-up", "/vraag/volg/{taken_up.token}"),
    State("follow-helped", "/vraag/volg/{helped.token}"),
    State("follow-ended", "/vraag/volg/{ended.token}"),
    State("follow-urgent", "/vraag/volg/{urgent.token}"),
    State("follow-added", "/vraag/volg/{several.token}?nieuw=toegevoegd"),
    State("follow-errors", "/vraag/volg/{asked.token}", then=add_nothing),
    State("follow-withdraw", "/vraag/volg/{asked.token}/intrekken"),
    State("follow-just-withdrawn", "/vraag/volg/{withdrawn.token}?nieuw=ingetrokken"),
    State("follow-withdrawn", "/vraag/volg/{withdrawn.token}"),
    State("follow-expired", "/vraag/volg/{expired.token}"),
    State("sign-in", "/aanmelden"),
    State("my-work", "/mijn-werk", OPERATOR),
    State("my-work-auditor", "/mijn-werk", AUDITOR),
    State("my-work-school", "/mijn-werk", SCHOOL),
    State("desk-today", "/balie", OPERATOR),
    State("desk-late", "/balie?lijst=LATE", OPERATOR),
    State("desk-open", "/balie?lijst=OPEN&regio=WESTHOEK", OPERATOR),
    State("desk-with-partner", "/balie?lijst=WITH_PARTNER", COORDINATOR),
    State("desk-closed", "/balie?lijst=CLOSED", OPERATOR),
    State("desk-paged", "/balie?lijst=OPEN&wie=SECTOR", OPERATOR),
    State("desk-last-page", "/balie?lijst=OPEN&wie=SECTOR&bladzijde=2", OPERATOR),
    State("desk-empty", "/balie?lijst=LATE&thema=T36", OPERATOR),
    State("desk-reader", "/balie?lijst=OPEN&regio=WESTHOEK", READER),
    State("case", "/balie/{asked.case_id}", OPERATOR),
    State("case-contact", "/balie/{asked.case_id}", OPERATOR, show_contact),
    State("case-no-contact", "/balie/{anonymous.case_id}", OPERATOR, show_contact),
    State("case-late", "/balie/{late.case_id}", OPERATOR),
    State("case-several-questions", "/balie/{several.case_id}", OPERATOR),
    State("case-helped", "/balie/{helped.case_id}", OPERATOR),
    State("case-withdrawn", "/balie/{withdrawn.case_id}", OPERATOR),
    State("case-reader", "/balie/{asked.case_id}", READER),
    State("case-not-found", "/balie/00000000-0000-4000-8000-000000000000", OPERATOR),
    State("audit", "/balie/inzage", AUDITOR),
    State("audit-wrong", "/balie/inzage?nummer=018f3c2a", AUDITOR),
    State("audit-nothing", "/balie/inzage?nummer=00000000-0000-4000-8000-000000000000", AUDITOR),
    State("audit-found", "/balie/inzage?nummer={asked.case_id}", AUDITOR),
    State("forbidden-school", "/balie", SCHOOL),
    State("forbidden-auditor", "/balie", AUDITOR),
)
