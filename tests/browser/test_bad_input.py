"""Whoever makes a mistake is told what, where and what now, loses nothing, and does nothing twice."""

from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Coming, Kept, Sessions
from tests.browser.pages import AskPage, FollowPage, errors_of
from tests.browser.scene import Scene
from tests.browser.states import AUDITOR, LONG, OPERATOR
from tests.browser.visitor import DESKTOP, PHONE, Equipment

BOTH = pytest.mark.parametrize("equipment", [PHONE, DESKTOP], ids=str)


@BOTH
async def test_every_mistake_in_a_question_has_its_sentence_and_nothing_is_lost(
    coming: Coming, equipment: Equipment
) -> None:
    parent = await coming(equipment)
    await parent.goto("/vraag?wie=IEMAND")
    typed = {
        "text": LONG.strip(),
        "postal_code": "99",
        "name": "n" * 201,
        "email": "griet@voorbeeld",
        "phone": "bel mij",
    }
    form = await AskPage(parent.page).fill(**typed, age="26 jaar of ouder")
    await form.submit()
    assert await errors_of(parent.page) == {
        "audience": "Kies wie je bent.",
        "text": "Je vraag is te lang. Hou het bij 8000 tekens, of bel ons.",
        "postal_code": "Een postcode heeft vier cijfers, zoals 8600.",
        "contact-name": "Hoogstens 200 tekens.",
        "contact-email": "Dit is geen volledig e-mailadres. Een voorbeeld: naam@voorbeeld.be.",
        "contact-phone": "Schrijf het nummer met cijfers, zoals 0470 12 34 56.",
    }
    assert await form.typed() == typed
    assert await parent.page.get_by_label("Hoe oud is de leerling?").input_value() == "26+"
    assert (await parent.page.title()).startswith("Fout: ")


@BOTH
async def test_who_adds_nothing_or_too_much_is_told(coming: Coming, scene: Scene, equipment: Equipment) -> None:
    parent = await coming(equipment)
    for typed, sentence in (
        ("", "Schrijf op wat je wilt toevoegen."),
        ("x", "Schrijf op wat je wilt toevoegen."),
        (LONG.strip(), "Dit is te lang. Hou het bij 8000 tekens, of bel ons."),
    ):
        await parent.goto(f"/vraag/volg/{scene.asked.token}")
        field = parent.page.get_by_label("Wil je nog iets zeggen of vragen?")
        await field.fill(typed)
        await parent.page.get_by_role("button", name="Voeg toe").click()
        await expect(parent.page.get_by_role("alert")).to_be_visible()
        assert await errors_of(parent.page) == {"text": sentence}
        assert await field.input_value() == typed


async def test_a_number_that_is_none_of_ours_is_said_at_once(coming: Coming, sessions: Sessions) -> None:
    auditor = await coming(PHONE, await sessions(AUDITOR))
    await auditor.goto("/balie/inzage")
    field = auditor.page.get_by_label("Nummer van het dossier")
    await field.fill("dossier 12")
    await auditor.page.get_by_role("button", name="Zoek").click()
    await expect(field).to_have_value("dossier 12")
    await expect(field).to_have_attribute("aria-invalid", "true")
    described = await field.get_attribute("aria-describedby")
    await expect(auditor.page.locator(f"#{described}")).to_contain_text("Dit is geen nummer van ons.")


@pytest.mark.parametrize(
    "address", ["lijst=ALLES&thema=T99&wie=IEMAND&regio=PARIJS", "bladzijde=0", "bladzijde=-7", "bladzijde=twee"]
)
async def test_an_address_that_nobody_understands_shows_the_desk(
    coming: Coming, sessions: Sessions, address: str
) -> None:
    operator = await coming(session=await sessions(OPERATOR))
    assert await operator.goto(f"/balie?{address}") == 200
    await expect(operator.page.locator(".counts [aria-current]")).to_contain_text("vandaag te doen")


async def test_a_page_after_the_last_one_is_the_last_one(coming: Coming, sessions: Sessions) -> None:
    operator = await coming(session=await sessions(OPERATOR))
    assert await operator.goto("/balie?lijst=OPEN&bladzijde=9999") == 200
    await expect(operator.page.get_by_role("link", name="Volgende")).to_have_count(0)


@BOTH
async def test_the_same_form_sent_twice_is_one_case(coming: Coming, kept: Kept, equipment: Equipment) -> None:
    text = f"Kan mijn zoon {uuid4().hex} twee keer op de knop duwen?"
    parent = await coming(equipment)
    await parent.goto("/vraag?wie=OUDER")
    await (await AskPage(parent.page).fill(text=text)).check()
    sent = await parent.page.evaluate(
        "() => Object.fromEntries(new FormData(document.querySelector('main form')).entries())"
    )
    await parent.page.get_by_role("button", name="Verstuur je vraag").dblclick()
    await FollowPage(parent.page).opened()
    # What a browser sends when somebody goes back and confirms that the form is to be sent again.
    again = await parent.page.request.post(
        f"{parent.url}/vraag", form={**sent, "step": "send"}, headers={"Origin": parent.url}
    )
    assert again.url == parent.page.url
    assert await kept(text) == 1


@BOTH
async def test_back_from_the_answers_loses_nothing(coming: Coming, equipment: Equipment) -> None:
    parent = await coming(equipment)
    await parent.goto("/vraag?wie=OUDER")
    typed = {"text": "Kan mijn zoon nog terug?", "postal_code": "8900", "name": "Griet"}
    await (await AskPage(parent.page).fill(**typed)).check()
    await parent.page.go_back()
    assert await AskPage(parent.page).typed() == typed


async def test_what_a_program_fills_in_is_not_kept(coming: Coming, kept: Kept) -> None:
    text = f"Goedkope leningen {uuid4().hex}"
    program = await coming()
    await program.goto("/vraag?wie=OUDER")
    form = await AskPage(program.page).fill(text=text)
    # People do not see this field, and Tab does not lead to it.
    await expect(program.page.locator("#website")).not_to_be_in_viewport()
    await program.page.locator("#website").evaluate("field => field.value = 'https://voorbeeld.be'")
    await form.submit()
    await expect(program.page.get_by_role("alert")).to_contain_text("Dit veld moet leeg blijven.")
    assert await form.typed() == {"text": text}
    assert await kept(text) == 0


async def test_a_national_number_is_named_and_not_kept(coming: Coming, kept: Kept) -> None:
    number = "85.07.30-033.28"
    text = f"Mijn nummer {uuid4().hex} is {number}. Mag ik komen?"
    learner = await coming(PHONE)
    await learner.goto("/vraag?wie=LERENDE")
    checked = await (await AskPage(learner.page).fill(text=text)).check()
    await expect(learner.page.get_by_text("Wij bewaren dat niet")).to_be_visible()
    (said,) = await (await checked.send()).asked()
    assert number not in said
    assert await kept(text) == 0
    assert await kept(said) == 1
