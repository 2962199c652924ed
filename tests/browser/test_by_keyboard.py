"""The same journeys without a mouse, nor anything else but keys."""

from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Coming
from tests.browser.keyboard import Keyboard
from tests.browser.pages import CasePage, FollowPage, heading
from tests.browser.visitor import DESKTOP, PHONE, Equipment


async def ask(keys: Keyboard, text: str) -> None:
    """With a mistake on the way."""
    await (await keys.tab_to("Ik ben een leerling")).press("Enter")
    await heading(keys.page, "Stel je vraag")
    await (await keys.tab_to("Ik volg les")).press("ArrowDown")
    await expect(keys.page.get_by_label("Ik ben ouder of opvoeder")).to_be_checked()
    await (await keys.tab_to("Je vraag")).type(text)
    await (await keys.tab_to("Postcode")).type("84")
    await (await keys.tab_to("Hoe oud is de leerling?")).type("18")
    await (await keys.tab_to("Kijk je antwoorden na")).press("Enter")
    await expect(keys.page.get_by_role("alert")).to_be_visible()
    await (await keys.tab_to("Een postcode heeft vier cijfers")).press("Enter")
    await expect(keys.page.get_by_label("Postcode")).to_be_focused()
    await (await keys.press("End")).type("00")
    await (await keys.tab_to("Naam")).type("Griet Vandenbroucke")
    await (await keys.tab_to("Kijk je antwoorden na")).press("Space")
    await heading(keys.page, "Kijk je antwoorden na")
    await (await keys.tab_to("Verander iets")).press("Space")
    await heading(keys.page, "Stel je vraag")
    # Enter in a field sends the form, as everywhere.
    await (await (await keys.tab_to("Telefoon")).type("0470 12 34 56")).press("Enter")
    await heading(keys.page, "Kijk je antwoorden na")
    await (await keys.tab_to("Verstuur je vraag")).press("Enter")
    await FollowPage(keys.page).opened()


@pytest.mark.parametrize("equipment", [PHONE, DESKTOP], ids=str)
async def test_a_parent_and_a_colleague_need_no_mouse(coming: Coming, equipment: Equipment) -> None:
    text = f"Mijn dochter {uuid4().hex[:8]} is schoolmoe, is dit iets voor haar?"
    parent, operator = await coming(equipment), await coming(equipment)
    await parent.goto("/")
    await ask(Keyboard(parent.page), text)
    assert await FollowPage(parent.page).asked() == [text]

    await operator.goto("/")
    keys = Keyboard(operator.page)
    await (await keys.tab_to("Aanmelden")).press("Enter")
    await heading(operator.page, "Als wie meldt u zich aan?")
    await (await keys.tab_to("Medewerker aan de balie")).press("Enter")
    await heading(operator.page, "Wat wacht er op u?")
    await (await keys.tab_to("Balie")).press("Enter")
    await heading(operator.page, "Balie")
    # Past the menu, at once.
    await (await keys.tab_to("Naar de inhoud")).press("Enter", "Tab", "Tab", "Tab", "Enter")
    await expect(operator.page.locator(".counts [aria-current]")).to_contain_text("alle open vragen")
    await (await keys.tab_to("Van")).type("Ouder")
    await (await keys.tab_to("Regio")).type("Oostende")
    await (await keys.tab_to("Toon")).press("Enter")
    await expect(operator.page.locator("caption")).to_be_visible()
    await (await keys.tab_to(text[:40])).press("Enter")
    assert await (await CasePage(operator.page).opened()).said() == [text]
    await (await keys.tab_to("Toon naam en contact")).press("Enter")
    await expect(operator.page.locator("#contact")).to_contain_text("Griet Vandenbroucke")
    await (await keys.tab_to("Afmelden")).press("Enter")
    await expect(operator.page.get_by_role("link", name="Aanmelden")).to_be_visible()

    keys = Keyboard(parent.page)
    await (await keys.tab_to("Wil je nog iets zeggen of vragen?")).type("Ze is zeventien.")
    await (await keys.tab_to("Voeg toe")).press("Enter")
    await expect(parent.page.get_by_role("status")).to_contain_text("Toegevoegd")
    await (await keys.tab_to("Trek je vraag in")).press("Enter")
    await heading(parent.page, "Wil je je vraag intrekken?")
    await (await keys.tab_to("Ja, trek mijn vraag in")).press("Space")
    await expect(parent.page.get_by_role("status")).to_contain_text("Je vraag is ingetrokken")
