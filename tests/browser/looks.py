"""What is measured on a page that stands there: accessibility, width, and what fingers have to hit."""

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.async_api import Page

OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
"""All rules that axe has on, and the one of WCAG 2.2 that it has not."""

TOO_SMALL = """() => {
  const wanted = [
    [".button, .doors a, .counts a, .top nav a, .top .who a, .top .plain, main li > button, " +
     ".choice, select, textarea, input:not([type=hidden], [type=radio])", 44],
    ["td a, caption a, ul.numbers a, footer a, .summary a", 24],
  ];
  const seen = one => one.checkVisibility() && !one.closest(".trap");
  return wanted.flatMap(([which, least]) => [...document.querySelectorAll(which)]
    .filter(one => seen(one) && one.getBoundingClientRect().height < least - 0.5)
    .map(one => `${one.outerHTML.slice(0, 100)}: ${one.getBoundingClientRect().height} < ${least}`));
}"""


async def accessibility_of(page: Page) -> str:
    """What axe finds; empty when that is nothing."""
    # Half a megabyte, which stays on the page while it gets another width.
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    found = AxeResults(await page.evaluate("options => axe.run(options)", OPTIONS))
    return found.generate_report() if found.violations_count else ""


async def sideways(page: Page) -> int:
    """Pixels by which the page is wider than the screen."""
    return int(await page.evaluate("Math.max(0, document.documentElement.scrollWidth - window.innerWidth)"))


async def too_small(page: Page) -> list[str]:
    """What is hard to hit: buttons and what looks like one, and links that stand on their own."""
    found: list[str] = await page.evaluate(TOO_SMALL)
    return found
