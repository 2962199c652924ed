"""What people see and can do on each page, in their words."""

import re
from dataclasses import dataclass

from playwright.async_api import Page, expect

FIELDS = {
    "who": "Wie ben je?",
    "text": "Je vraag",
    "postal_code": "Postcode",
    "age": "Hoe oud is de leerling?",
    "name": "Naam",
    "email": "E-mailadres",
    "phone": "Telefoon",
}


async def heading(page: Page, words: str) -> None:
    """The page that now stands there has this heading."""
    await expect(page.get_by_role("heading", level=1, name=words)).to_be_visible()


@dataclass(frozen=True)
class HomePage:
    """The front door."""

    page: Page

    async def enter(self, door: str) -> "AskPage":
        """Through one of the doors."""
        await self.page.get_by_role("link", name=door).click()
        return await AskPage(self.page).opened()


@dataclass(frozen=True)
class AskPage:
    """The form for a question."""

    page: Page

    async def opened(self) -> "AskPage":
        """It stands there."""
        await heading(self.page, "Stel je vraag")
        return self

    async def choose(self, who: str) -> "AskPage":
        """Who asks."""
        await self.page.get_by_label(who).check()
        return self

    async def fill(self, **answers: str) -> "AskPage":
        """Type answers, by name of the field."""
        for name, answer in answers.items():
            field = self.page.get_by_label(FIELDS[name])
            await (field.select_option(label=answer) if name == "age" else field.fill(answer))
        return self

    async def typed(self) -> dict[str, str]:
        """What stands in the fields."""
        names = ("text", "postal_code", "name", "email", "phone")
        found = {name: await self.page.get_by_label(FIELDS[name]).input_value() for name in names}
        return {name: value for name, value in found.items() if value}

    async def chosen(self) -> str:
        """Who asks, as it is chosen now."""
        return await self.page.locator("input[type=radio]:checked").input_value()

    async def submit(self) -> None:
        """Press the button, whatever comes of it."""
        await self.page.get_by_role("button", name="Kijk je antwoorden na").click()

    async def check(self) -> "CheckPage":
        """On to the answers."""
        await self.submit()
        return await CheckPage(self.page).opened()


@dataclass(frozen=True)
class CheckPage:
    """What was typed, before it is sent."""

    page: Page

    async def opened(self) -> "CheckPage":
        """It stands there."""
        await heading(self.page, "Kijk je antwoorden na")
        return self

    async def shown(self) -> dict[str, str]:
        """Each answer, by its question."""
        terms = await self.page.locator("dl.answers dt").all_inner_texts()
        return dict(zip(terms, await self.page.locator("dl.answers dd").all_inner_texts(), strict=True))

    async def change(self) -> AskPage:
        """Back to the form."""
        await self.page.get_by_role("button", name="Verander iets").click()
        return await AskPage(self.page).opened()

    async def send(self) -> "FollowPage":
        """Send the question."""
        await self.page.get_by_role("button", name="Verstuur je vraag").click()
        return await FollowPage(self.page).opened()


@dataclass(frozen=True)
class FollowPage:
    """A question, behind its private link."""

    page: Page

    async def opened(self) -> "FollowPage":
        """It stands there."""
        await expect(self.page.get_by_role("heading", level=1, name="Je vraag", exact=True)).to_be_visible()
        return self

    async def address(self) -> str:
        """The private link, as the page shows it."""
        return await self.page.locator(".address").inner_text()

    async def stage(self) -> str:
        """How far it is, in a word."""
        return await self.page.locator("main .tag").inner_text()

    async def asked(self) -> list[str]:
        """What was asked."""
        return await self.page.locator(".said").all_inner_texts()

    async def add(self, words: str) -> "FollowPage":
        """Say something more."""
        await self.page.get_by_label("Wil je nog iets zeggen of vragen?").fill(words)
        await self.page.get_by_role("button", name="Voeg toe").click()
        await expect(self.page.get_by_role("status")).to_contain_text("Toegevoegd")
        return self

    async def withdraw(self) -> "FollowPage":
        """Withdraw the question, and mean it."""
        await self.page.get_by_role("link", name="Trek je vraag in").click()
        await heading(self.page, "Wil je je vraag intrekken?")
        await self.page.get_by_role("button", name="Ja, trek mijn vraag in").click()
        await expect(self.page.get_by_role("status")).to_contain_text("Je vraag is ingetrokken")
        return self


@dataclass(frozen=True)
class LoginPage:
    """The login provider, where one chooses who one is."""

    page: Page

    async def enter_as(self, person: str) -> None:
        """Sign in."""
        await heading(self.page, "Als wie meldt u zich aan?")
        await self.page.get_by_role("button", name=re.compile(f"^{person}")).click()
        await expect(self.page.get_by_role("button", name="Afmelden")).to_be_visible()


async def sign_in(page: Page, url: str, person: str) -> None:
    """From the home page, as somebody of `deploy/login/people.csv`."""
    await page.goto(url)
    await page.get_by_role("link", name="Aanmelden").click()
    await LoginPage(page).enter_as(person)


@dataclass(frozen=True)
class DeskPage:
    """The list of cases that wait."""

    page: Page

    async def show(self, which: str) -> "DeskPage":
        """From the menu to one of the lists."""
        await self.page.get_by_role("link", name="Balie", exact=True).click()
        await heading(self.page, "Balie")
        await self.page.locator(".counts").get_by_role("link", name=which).click()
        await expect(self.page.locator(".counts [aria-current]")).to_contain_text(which)
        return self

    async def filter(self, **chosen: str) -> "DeskPage":
        """Only some of them."""
        for label, choice in chosen.items():
            await self.page.get_by_label(label, exact=True).select_option(label=choice)
        await self.page.get_by_role("button", name="Toon").click()
        return self

    async def open(self, words: str) -> "CasePage":
        """Open the case whose question begins so, on whichever page of the list it is."""
        while not await self.page.get_by_role("link", name=words).count():
            await self.page.get_by_role("link", name="Volgende").click()
        await self.page.get_by_role("link", name=words).click()
        return await CasePage(self.page).opened()


@dataclass(frozen=True)
class CasePage:
    """One case, for who works here."""

    page: Page

    async def opened(self) -> "CasePage":
        """It stands there."""
        await expect(self.page.get_by_role("heading", name="Tijdlijn")).to_be_visible()
        return self

    @property
    def number(self) -> str:
        """Of the case, from the address."""
        return self.page.url.split("/balie/")[1].split("/")[0]

    async def said(self) -> list[str]:
        """What was asked, newest first."""
        return await self.page.locator(".said").all_inner_texts()

    async def contact(self) -> str:
        """Ask who it is."""
        await self.page.get_by_role("button", name="Toon naam en contact").click()
        return await self.page.locator("#contact").inner_text()

    async def time_line(self) -> list[str]:
        """What happened, newest first."""
        return await self.page.locator("ol.time li").all_inner_texts()


@dataclass(frozen=True)
class AuditPage:
    """Who read or changed what."""

    page: Page

    async def about(self, number: str) -> list[dict[str, str]]:
        """Everything about this case, newest first; per row each cell, by its column."""
        await self.page.get_by_role("link", name="Inzage", exact=True).click()
        await self.page.get_by_label("Nummer van het dossier").fill(number)
        await self.page.get_by_role("button", name="Zoek").click()
        await expect(self.page.locator("caption")).to_be_visible()
        columns = await self.page.locator("thead th").all_text_contents()
        rows = await self.page.locator("tbody tr").all()
        return [dict(zip(columns, await row.locator("td").all_text_contents(), strict=True)) for row in rows]


async def errors_of(page: Page) -> dict[str, str]:
    """Each error of the summary, by the id of its field; checked with how the field itself tells it."""
    found = {}
    for link in await page.locator(".summary a").all():
        href = await link.get_attribute("href")
        assert href
        sentence = await link.inner_text()
        await check_field(page, href.removeprefix("#"), sentence)
        found[href.removeprefix("#")] = sentence
    return found


async def check_field(page: Page, id_: str, sentence: str) -> None:
    """The field says the same, to eyes and to a screen reader; a link of the summary leads to it."""
    field = page.locator(f"#{id_}")
    await expect(field).to_have_attribute("aria-invalid", "true")
    described = field if await field.get_attribute("aria-describedby") else page.locator("fieldset", has=field)
    await expect(described).to_have_attribute("aria-describedby", re.compile(rf"\b{id_}-fout\b"))
    await expect(page.locator(f"#{id_}-fout")).to_contain_text(sentence)
    await page.locator(f".summary a[href='#{id_}']").click()
    await expect(field).to_be_focused()
    await expect(field).to_be_in_viewport()
