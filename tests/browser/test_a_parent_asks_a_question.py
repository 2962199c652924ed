"""A parent asks on a phone; a colleague at the desk answers; the auditor sees who read what."""

from uuid import uuid4

import pytest

from chassis.testing.eventually import eventually
from deploy.local.platform import Platform
from deploy.login.accounts import people
from tests.browser.conftest import Coming
from tests.browser.pages import AuditPage, CasePage, DeskPage, FollowPage, HomePage, sign_in
from tests.browser.visitor import EVERY, Equipment, Visitor

OPERATOR, AUDITOR = "Medewerker aan de balie", "Auditor"


def subject_of(name: str) -> str:
    return next(person.account.subject for person in people() if person.name == name)


async def ask(parent: Visitor, text: str) -> FollowPage:
    """Through a door of the home page, with a change of mind before it is sent."""
    await parent.goto("/")
    form = await HomePage(parent.page).enter("Ik ben een ouder")
    assert await form.chosen() == "OUDER"
    answers = {"text": text, "postal_code": "8970", "name": "Griet Vandenbroucke", "email": "griet@voorbeeld.be"}
    checked = await (await form.fill(**answers, age="15 tot 17 jaar")).check()
    shown = await checked.shown()
    assert (shown["Je vraag"], shown["Wie ben je?"]) == (text, "Ik ben ouder of opvoeder")
    assert (shown["Hoe oud is de leerling?"], shown["Telefoon"]) == ("15 tot 17 jaar", "Niet ingevuld")
    form = await checked.change()
    assert await form.typed() == answers
    checked = await (await form.fill(phone="0470 12 34 56")).check()
    assert (await checked.shown())["Telefoon"] == "0470 12 34 56"
    return await checked.send()


@pytest.mark.parametrize("equipment", EVERY, ids=str)
async def test_a_parent_asks_a_colleague_reads_and_the_auditor_knows(
    coming: Coming, platform: Platform, equipment: Equipment
) -> None:
    text = f"Mijn zoon Wannes is schoolmoe {uuid4().hex[:8]}. Is duaal leren iets voor hem?"
    parent = await coming(equipment)
    followed = await ask(parent, text)
    link = await followed.address()
    assert link == parent.page.url.partition("?")[0]

    # Who kept the link comes back later, on another device.
    parent = await coming(equipment)
    await parent.goto(link)
    followed = await FollowPage(parent.page).opened()
    assert await followed.asked() == [text]

    async def stage() -> str:
        await parent.reload()
        return await followed.stage()

    await eventually(stage, "Partner gevraagd".__eq__)
    assert "CLB in de Westhoek" in await parent.page.locator("main").inner_text()

    operator = await coming(equipment)
    await sign_in(operator.page, platform.url, OPERATOR)
    desk = await DeskPage(operator.page).show("alle open vragen")
    case = await (await desk.filter(Van="Ouder", Regio="Westhoek")).open(text[:40])
    assert await case.said() == [text]
    assert "Griet" not in await operator.page.content()
    contact = await case.contact()
    assert "Griet Vandenbroucke" in contact
    assert "0470 12 34 56" in contact
    happened = await case.time_line()
    assert any("Naam en contact bekeken door medewerker" in one for one in happened)
    assert any("Vraag gesteld op de website" in one for one in happened)
    assert any("CLB in de Westhoek" in one for one in happened)

    await (await followed.add("Hij is wel heel handig.")).withdraw()
    assert await followed.stage() == "Ingetrokken"
    assert await followed.asked() == [text, "Hij is wel heel handig."]

    await operator.goto(f"/balie/{case.number}")
    happened = await CasePage(operator.page).time_line()
    for what in ("Vraag ingetrokken met de private link", "Vraag gesteld met de private link"):
        assert any(what in one for one in happened)

    auditor = await coming(equipment)
    await sign_in(auditor.page, platform.url, AUDITOR)
    colleague = subject_of(OPERATOR)
    everybody = {
        ("Vraag gesteld", "niet", "–", "op de website"),
        ("Vraag gelezen", "link", "–", "met de private link"),
        ("Vraag gelezen", colleague, "medewerker", "aangemeld"),
        ("Naam en contact bekeken", colleague, "medewerker", "aangemeld"),
        ("Naam en contact bekeken", "notifications", "mailprogramma", "met een programma"),
        ("Vraag gesteld", "link", "–", "met de private link"),
        ("Vraag ingetrokken", "link", "–", "met de private link"),
    }

    async def who() -> set[tuple[str, ...]]:
        rows = await AuditPage(auditor.page).about(case.number)
        return {(row["Wat"], row["Wie"].split()[0], row["Rol"], row["Hoe"]) for row in rows}

    await eventually(who, everybody.__eq__)
