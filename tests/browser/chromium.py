"""The browser of these tests: the Chromium of this machine. Run as a program, it installs it where it may.

Playwright brings browsers of its own from elsewhere; Debian's comes from where the rest of this machine comes from.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = "Install Chromium (apt install chromium): the pages are tested and pictured in a real browser."


class ChromiumMissing(Exception):
    """There is no Chromium here."""

    def __init__(self) -> None:
        super().__init__(MISSING)


def executable() -> str:
    """Where it is.

    Raises:
        ChromiumMissing: nowhere.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise ChromiumMissing
    return found


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A running one."""
    async with async_playwright() as playwright:
        # Root has no sandbox; what is looked at is our own.
        browser = await playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


def install() -> None:
    """Make sure that there is one.

    Raises:
        ChromiumMissing: there is none, and only its owner can install one on this machine.
    """
    try:
        executable()
    except ChromiumMissing:
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        packages = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        subprocess.run(packages, check=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


if __name__ == "__main__":
    try:
        install() if "--install" in sys.argv else executable()
    except ChromiumMissing as missing:
        sys.exit(str(missing))
