"""Who may not see or do something does not; and looking at something never changes it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from playwright.async_api import Browser, Page, expect

from chassis.private_links import hash_of
from deploy.local.platform import Platform
from tests.browser.conftest import Coming, Sessions
from tests.browser.pages import LoginPage, heading, sign_in
from tests.browser.scene import Scene
from tests.browser.states import OPERATOR, SCHOOL, SECRETARY
from tests.browser.visitor import PHONE, keep_signed_in

ELSEWHERE = "http://elders.example/"


@pytest.fixture
async def stranger(browser: Browser, platform: Platform, sessions: Sessions) -> AsyncIterator[Page]:
    """A page of another site, in the browser of somebody who is signed in here."""
    context = await browser.new_context()
    await keep_signed_in(context, platform, await sessions(OPERATOR))
    yield await context.new_page()
    await context.close()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/vraag", 403),
        ("/vraag/volg/{asked.token}", 403),
        ("/vraag/volg/{asked.token}/intrekken", 403),
        ("/afmelden", 403),
        # The browser does not even send the cookie.
        ("/balie/{asked.case_id}/contact", 401),
    ],
)
async def test_a_form_of_another_site_does_nothing(
    stranger: Page, platform: Platform, scene: Scene, path: str, status: int
) -> None:
    action = platform.url + path.format_map(vars(scene))
    form = f'<form method="post" action="{action}"><input name="text" value="Vals"><button>Win</button></form>'
    await stranger.route(ELSEWHERE, lambda route: route.fulfill(body=form, content_type="text/html"))
    await stranger.goto(ELSEWHERE)
    async with stranger.expect_response(action) as answer:
        await stranger.get_by_role("button", name="Win").click()
    assert (await answer.value).status == status
    await expect(stranger.get_by_role("heading", level=1)).to_be_visible()
    await stranger.goto(f"{platform.url}/vraag/volg/{scene.asked.token}")
    assert "Vals" not in await stranger.content()
    await expect(stranger.get_by_role("link", name="Trek je vraag in")).to_be_visible()


@pytest.fixture
async def database(platform: Platform) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(platform.database_urls["intake"])
    yield connection
    await connection.close()


async def test_a_private_link_that_does_not_work_never_says_why(
    coming: Coming, scene: Scene, database: asyncpg.Connection
) -> None:
    visitor = await coming(PHONE)
    gone = "update case_links set withdrawn_on = $2 where token_hash = $1"
    today = await database.fetchval("select current_date")
    await database.execute(gone, hash_of(scene.helped.token), today)
    try:
        seen = set()
        for token in ("f" * 40, "x", scene.expired.token, scene.helped.token):
            for more in ("", "?nieuw=verstuurd", "/intrekken"):
                assert await visitor.goto(f"/vraag/volg/{token}{more}") == 404
                seen.add(await visitor.page.content())
        (only_page,) = seen
        assert "Deze link werkt niet (meer)." in only_page
    finally:
        await database.execute(gone, hash_of(scene.helped.token), None)


async def test_programs_that_follow_links_change_nothing(
    coming: Coming, scene: Scene, database: asyncpg.Connection
) -> None:
    async def what_is_kept() -> list[object]:
        case = await database.fetchrow("select * from cases where id = $1", scene.asked.case_id)
        link = await database.fetchrow("select * from case_links where case_id = $1", scene.asked.case_id)
        done = await database.fetch(
            "select * from audit where about = $1 and action <> 'ReadWords'", scene.asked.case_id
        )
        return [case, link, done]

    before = await what_is_kept()
    scanner = await coming()
    for path in ("", "?nieuw=ingetrokken", "/intrekken"):
        assert await scanner.goto(f"/vraag/volg/{scene.asked.token}{path}") == 200
        await scanner.page.request.head(f"{scanner.url}/vraag/volg/{scene.asked.token}{path}")
    assert await what_is_kept() == before


@pytest.mark.parametrize("person", [SCHOOL, SECRETARY])
async def test_the_desk_is_not_for_every_account(coming: Coming, sessions: Sessions, scene: Scene, person: str) -> None:
    visitor = await coming(session=await sessions(person))
    for path in ("/balie", "/balie.csv", f"/balie/{scene.asked.case_id}", "/balie/inzage"):
        assert await visitor.goto(path) == 403
        await heading(visitor.page, "U mag dit niet bekijken of doen")
        await expect(visitor.page.get_by_role("link", name="Balie", exact=True)).to_have_count(0)


async def test_a_reader_sees_neither_words_nor_contact(coming: Coming, sessions: Sessions, scene: Scene) -> None:
    reader = await coming(session=await sessions("Lezer"))
    await reader.goto(f"/balie/{scene.asked.case_id}")
    await expect(reader.page.get_by_text("Met uw rol leest u niet wat mensen schreven.")).to_be_visible()
    await expect(reader.page.get_by_role("button", name="Toon naam en contact")).to_have_count(0)
    assert "heel handig" not in await reader.page.content()
    await reader.goto("/balie?lijst=OPEN")
    assert "heel handig" not in await reader.page.content()


async def test_who_signed_out_is_out_also_for_the_back_button(coming: Coming, platform: Platform, scene: Scene) -> None:
    operator = await coming()
    await sign_in(operator.page, platform.url, OPERATOR)
    address = f"/balie/{scene.asked.case_id}"
    await operator.goto(address)
    await operator.page.get_by_role("button", name="Afmelden").click()
    await expect(operator.page.get_by_role("link", name="Aanmelden")).to_be_visible()
    await operator.page.go_back()
    await heading(operator.page, "Als wie meldt u zich aan?")
    # After signing in, the page that was asked for; the address of the sign-in leads nowhere else.
    await operator.goto(address)
    await LoginPage(operator.page).enter_as(OPERATOR)
    assert operator.page.url == platform.url + address
    await operator.goto("/aanmelden?naar=//elders.example/")
    await LoginPage(operator.page).enter_as(OPERATOR)
    assert operator.page.url == f"{platform.url}/mijn-werk"


async def test_an_address_with_nothing_there_has_a_way_out(coming: Coming) -> None:
    visitor = await coming(PHONE)
    assert await visitor.goto("/nergens") == 404
    await heading(visitor.page, "Deze pagina vinden we niet")
    await visitor.page.get_by_role("link", name="Naar de startpagina").click()
    await heading(visitor.page, "Een vraag over duaal leren?")
