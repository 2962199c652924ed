"""Whoever does what docs/how-to says, in a copy of the repository, has a service that works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.services import SERVICES
from tests.conftest import ROOT

PLACE = ROOT / "docs" / "how-to"
PAGES = (
    "add-a-service.md",
    "add-an-event.md",
    "add-a-handler.md",
    "add-a-query.md",
    "add-a-projection.md",
    "add-a-schedule.md",
    "add-a-document.md",
    "add-a-page.md",
)
"""In the order in which the example goes on."""
STEP = re.compile(
    r"(?:In\s+(the new file\s+)?`([^`]+)`:\n\n)?```(console|diff|html|python|yaml|typst)\n(.*?)```", re.DOTALL
)
BY_HAND = ("git status", "make up", "make screens", "curl ", "kcat ", "make down")
"""What shows a person something, or starts a platform of its own: tests/e2e has one already."""


CHECKS = (".venv/bin/pytest -k mentoring", "make lint")
"""What every page ends with: half a minute each time, so it is done after the first page and after the last."""


class Copy:
    """A copy of the repository, as it is now, with the tools of this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = {
            **os.environ,
            # Before the packages of this repository, which the tools were installed for.
            "PYTHONPATH": str(folder),
            "UV_NO_SYNC": "1",
        }
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        for name in listed.stdout.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        self._take_tools(Path(sys.prefix))

    def _take_tools(self, tools: Path) -> None:
        """The virtual environment, but with a mark of its own that everything is installed, and uv."""
        (self.folder / ".venv").mkdir()
        for part in tools.iterdir():
            if part.name != ".synced":
                (self.folder / ".venv" / part.name).symlink_to(part)
        (self.folder / ".venv" / ".synced").touch()
        if (ROOT / ".local" / "uv").exists():
            (self.folder / ".local").mkdir()
            (self.folder / ".local" / "uv").symlink_to(ROOT / ".local" / "uv")

    def run(self, command: str) -> str:
        """What a command prints."""
        done = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        return done.stdout

    def write(self, file: str, text: str) -> None:
        """A new file."""
        assert not (self.folder / file).exists(), f"{file} is no new file"
        (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / file).write_text(text)

    def change(self, file: str, difference: str) -> None:
        """What a page shows as a difference, at the one place where it fits."""
        text = (self.folder / file).read_text()
        for place in difference.split("@@\n"):
            lines = place.splitlines(keepends=True)
            before = "".join(line[1:] or "\n" for line in lines if line[0] != "+")
            after = "".join(line[1:] or "\n" for line in lines if line[0] != "-")
            assert text.count(before) == 1, f"{file} has this {text.count(before)} times:\n{before}"
            text = text.replace(before, after)
        (self.folder / file).write_text(text)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_the_pages_lead_to_a_service_that_is_tested_and_started_with_the_others(copy: Copy) -> None:
    for page in PAGES:
        for is_new, file, language, block in STEP.findall((PLACE / page).read_text()):
            if language == "console":
                for command in commands_of(block):
                    if command not in CHECKS or page in (PAGES[0], PAGES[-1]):
                        copy.run(command)
            elif is_new:
                copy.write(file, block)
            else:
                copy.change(file, block)
    started = copy.run(f"{sys.executable} -c 'from deploy.local.platform import SERVICES; print(*SERVICES)'")
    assert started.split() == sorted([*SERVICES, "mentoring"])


@pytest.mark.parametrize("page", ["README.md", *PAGES])
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)", (PLACE / page).read_text())
    assert links
    assert [link for link in links if not (PLACE / link).exists()] == []


def commands_of(block: str) -> list[str]:
    """Those that a program can try."""
    commands = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    return [command for command in commands if not command.startswith(BY_HAND)]
