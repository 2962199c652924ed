"""Somebody who uses no mouse: every step is a key, and whatever gets the focus has to show it."""

from dataclasses import dataclass
from typing import Any

from playwright.async_api import Page

MOST = 150
"""Presses of Tab after which somebody gives up."""

FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  return {
    words: (one.labels?.[0]?.innerText ?? one.innerText ?? "").trim(),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    in_view: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""


@dataclass(frozen=True)
class Keyboard:
    """The keys of somebody."""

    page: Page

    async def tab_to(self, words: str) -> "Keyboard":
        """Press Tab until what has these words has the focus."""
        seen = []
        for _ in range(MOST):
            await self.page.keyboard.press("Tab")
            focused: dict[str, Any] = await self.page.evaluate(FOCUSED)
            assert focused["outlined"], f"the focus is not to be seen on {focused['words']!r}"
            assert focused["in_view"], f"{focused['words']!r} has the focus, but is not on the screen"
            if focused["words"].startswith(words):
                return self
            seen.append(focused["words"][:40])
        raise AssertionError(f"no Tab leads to {words!r}, but to {seen}")

    async def press(self, *keys: str) -> "Keyboard":
        """One after the other."""
        for key in keys:
            await self.page.keyboard.press(key)
        return self

    async def type(self, words: str) -> "Keyboard":
        """Where the focus is."""
        await self.page.keyboard.type(words)
        return self
