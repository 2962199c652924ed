"""`make screens`: a picture of every page in every state, for somebody to look at, and the two of the README."""

import asyncio
import shutil
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page

from deploy.local.platform import Platform
from deploy.local.server import StackError
from deploy.local.stack import Stack
from tests.browser.chromium import ChromiumMissing, chromium, executable
from tests.browser.pages import AskPage
from tests.browser.scene import Scene, fill_a_page, prepare, session_of
from tests.browser.states import OPERATOR, STATES
from tests.browser.visitor import HEIGHT, WIDTHS, Equipment, keep_signed_in, visiting

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / ".local/screens"
PLATFORM = ROOT / ".local/screens-platform"
"""One of its own: on the desk is nothing but the scene."""
FOR_THE_README = ROOT / "docs/screens"
SMALLER = 0.7
"""How the pictures of the README are scaled: 1280 px become 896."""
COLOURS = 256
"""A palette has no more, and the file a third of the size; with less, the red of what is late is lost."""


async def take_all(browser: Browser, platform: Platform, scene: Scene) -> int:
    """Every state at every width, with and without JavaScript; how many pictures that made."""
    people = {state.person for state in STATES}
    sessions = {person: await session_of(platform, person) if person else "" for person in people}
    for state in STATES:
        for javascript in (True, False):
            equipment = Equipment(max(WIDTHS), javascript)
            async with visiting(browser, platform, equipment, sessions[state.person]) as visitor:
                await state.reach(visitor, scene)
                for width in WIDTHS:
                    await visitor.page.set_viewport_size({"width": width, "height": HEIGHT})
                    name = f"{state.name}-{Equipment(width, javascript)}.png"
                    await visitor.page.screenshot(path=PICTURES / name, full_page=True)
    return len(STATES) * len(WIDTHS) * 2


async def take_for_the_readme(browser: Browser, platform: Platform) -> None:
    """A question that is being asked, and the desk."""
    context = await browser.new_context(viewport={"width": 1280, "height": 1140}, device_scale_factor=SMALLER)
    page = await context.new_page()
    await page.goto(f"{platform.url}/vraag?wie=OUDER")
    await AskPage(page).fill(text="Mijn zoon is schoolmoe maar heel handig. Is duaal leren iets voor hem?")
    await keep(page, "ask")
    await keep_signed_in(context, platform, await session_of(platform, OPERATOR))
    await page.goto(f"{platform.url}/balie?lijst=OPEN")
    await keep(page, "desk")
    await context.close()


async def keep(page: Page, name: str) -> None:
    """What is in the window, small enough for the repository."""
    picture = Image.open(BytesIO(await page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(FOR_THE_README / f"{name}.png", optimize=True)


async def take(platform: Platform) -> None:
    """The README's first, while the desk has a few cases of each kind and not a whole fair."""
    scene = await prepare(platform)
    async with chromium() as browser:
        await take_for_the_readme(browser, platform)
        await fill_a_page(platform)
        number = await take_all(browser, platform, scene)
    sys.stdout.write(f"{number} pictures in {PICTURES.relative_to(ROOT)}, 2 in {FOR_THE_README.relative_to(ROOT)}\n")


def main() -> None:
    """Start a platform, and picture it."""
    executable()
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    FOR_THE_README.mkdir(parents=True, exist_ok=True)
    Platform.wipe(PLATFORM)
    with Stack.start(PLATFORM) as stack, Platform(stack, PLATFORM).start() as platform:
        asyncio.run(take(platform))


if __name__ == "__main__":
    try:
        main()
    except (ChromiumMissing, StackError) as problem:
        sys.exit(str(problem))
