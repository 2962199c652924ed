"""The pages are consistent: links work, decisions have one form, every dependency has its reason."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
ELSEWHERE = {".git", ".local", ".venv", "node_modules"}
PAGES = [page for page in ROOT.rglob("*.md") if not ELSEWHERE & set(page.relative_to(ROOT).parts)]
DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
OUTSIDE = ("http:", "https:", "mailto:")


def links(page: Path) -> list[str]:
    """What a page links to, apart from examples of code."""
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    return [link for link in LINK.findall(text) if not link.startswith(OUTSIDE)]


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(page: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    there = page.parent / file if file else page
    return there.exists() and (not anchor or anchor in anchors(there))


def test_every_link_of_a_page_leads_somewhere() -> None:
    found = [(page, link) for page in PAGES for link in links(page)]
    assert len(found) > 50
    assert [f"{page.relative_to(ROOT)}: {link}" for page, link in found if not leads_somewhere(page, link)] == []


def test_every_decision_has_a_date_a_status_and_the_three_parts_on_one_page() -> None:
    head = r"# {}\. .+\n\nDate: \d{{4}}-\d\d-\d\d\n\nStatus: (accepted|superseded).+"
    parts = ".+".join(("## Context", "## Decision", "## Consequences", ""))
    for number, page in enumerate(DECISIONS, start=1):
        text = page.read_text()
        assert page.name.startswith(f"{number:04}-")
        assert re.fullmatch(head.format(number) + parts, text, re.DOTALL), page.name
        assert len(text.splitlines()) <= 50, page.name


def test_the_index_of_the_decisions_gives_each_with_its_title_and_date() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text()
    for page in DECISIONS:
        title, _, date, *_ = page.read_text().splitlines()
        number, _, words = title.removeprefix("# ").partition(". ")
        assert f"| [{number}]({page.name}) | {words} | {date.removeprefix('Date: ')} |" in index, page.name


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [project["project"]["dependencies"], *project["dependency-groups"].values()]
    names = {re.split(r"[\[=<>]", one)[0] for group in groups for one in group}
    reasons = (ROOT / "docs/decisions/0011-dependencies.md").read_text()
    assert sorted(name for name in names if not re.search(rf"[ |]{re.escape(name)}[\[, |]", reasons)) == []
