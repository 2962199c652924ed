"""One browser for all journeys; everybody in them has a context of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import asyncpg
import pytest
from playwright.async_api import Browser

from deploy.local.platform import Platform
from tests.browser.chromium import ChromiumMissing, chromium, executable
from tests.browser.scene import Scene, fill_a_page, prepare, session_of
from tests.browser.visitor import DESKTOP, Equipment, Visitor, visiting

Coming = Callable[..., Awaitable[Visitor]]
"""`await coming(PHONE)`: somebody comes with a phone."""
Sessions = Callable[[str], Awaitable[str]]
"""`await sessions("Auditor")`: the cookie of somebody who signed in."""
Kept = Callable[[str], Awaitable[int]]
"""`await kept(words)`: how many questions with these words are in the vault."""


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The one browser of the run."""
    try:
        executable()
    except ChromiumMissing as missing:
        pytest.fail(str(missing), pytrace=False)
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def coming(browser: Browser, platform: Platform) -> AsyncIterator[Coming]:
    """Lets people come; they leave when the test is over."""
    async with AsyncExitStack() as stack:

        async def come(equipment: Equipment = DESKTOP, session: str = "") -> Visitor:
            return await stack.enter_async_context(visiting(browser, platform, equipment, session))

        yield come


@pytest.fixture(scope="session")
async def scene(platform: Platform) -> Scene:
    """Questions of all kinds."""
    scene = await prepare(platform)
    await fill_a_page(platform)
    return scene


@pytest.fixture(scope="session")
def sessions(platform: Platform) -> Sessions:
    """Everybody signs in once; journeys that are about signing in do it themselves."""
    kept: dict[str, str] = {"": ""}

    async def session(person: str) -> str:
        if person not in kept:
            kept[person] = await session_of(platform, person)
        return kept[person]

    return session


@pytest.fixture
async def kept(platform: Platform) -> AsyncIterator[Kept]:
    """Looks behind the pages, where one cannot see that nothing is."""
    database = await asyncpg.connect(platform.database_urls["intake"])

    async def number_of(words: str) -> int:
        return int(await database.fetchval("select count(*) from vault where words = $1", words))

    yield number_of
    await database.close()
