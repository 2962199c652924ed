"""The README of the contracts is right about links, topics, types and retention."""

import re
from pathlib import Path

import pytest

import contracts
from chassis.topics import PARTNER_TOPICS, TOPICS
from contracts.partner import EVENTS
from contracts.registry import EVENTS as ALL

FOLDER = Path(contracts.__file__).parent
README = (FOLDER / "README.md").read_text()


@pytest.mark.parametrize("page", ["README.md", "vectors/README.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    text = (FOLDER / page).read_text()
    headings = {re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in text.splitlines()}
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if link.startswith("#"):
            assert link[1:] in headings, link
        elif not link.startswith("https://"):
            assert (FOLDER / page).parent.joinpath(link).exists(), link


def test_its_retention_is_that_of_the_manifests() -> None:
    retention = re.search(
        r"(\d+) days on our topics, (\d+) days for notices of dead letters, (\d+) days on your own", README
    )
    assert retention
    ours, dead_letters, partners = map(int, retention.groups())
    for topic in TOPICS.values():
        assert topic.retention_days == (dead_letters if topic.name.endswith(".dead-letters") else ours), topic.name
    assert {topic.retention_days for topic in PARTNER_TOPICS.values()} == {partners}


def test_every_type_and_topic_that_it_names_exists() -> None:
    assert set(re.findall(r"be\.duaalwest\.\w+\.\w+\.v\d+", README)) <= ALL.keys()
    named = set(re.findall(r'"(partner\.[a-z-]+\.(?:events|rejected)|duaal\.[a-z-]+\.[a-z-]+)"', README))
    assert named
    assert {re.sub(r"^partner\.[a-z-]+\.", "partner.<partner>.", name) for name in named} <= {*TOPICS, EVENTS}
