"""The partners' manifests: which are valid, and that those of the demo refer to existing types and topics."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from chassis.partners import InvalidManifest, Partner, read_partners
from chassis.topics import TOPICS
from contracts.registry import EVENTS
from deploy.local.platform import PARTNERS

DEMO = read_partners(PARTNERS)
VDAB = yaml.safe_load((PARTNERS / "vdab.yaml").read_text())


def write(folder: Path, **changes: object) -> None:
    manifest = VDAB | changes
    (folder / f"{manifest['id']}.yaml").write_text(yaml.safe_dump(manifest))


@pytest.mark.parametrize("partner", DEMO.values(), ids=DEMO)
def test_what_a_partner_of_the_demo_may_send_and_read_exists(partner: Partner) -> None:
    topics = {EVENTS[type_].declaration.topic.replace("<partner>", partner.id) for type_ in partner.publishes}
    assert topics <= {partner.events_topic}
    assert set(partner.reads) <= TOPICS.keys()


def test_the_dashboards_read_every_topic_but_a_services_notes_to_itself_and_send_nothing() -> None:
    published = {topic.name for topic in TOPICS.values() if topic.consumers != topic.producers}
    assert set(DEMO["dashboards"].reads) == published, "deploy/partners/dashboards.yaml lists them"
    assert DEMO["dashboards"].publishes == ()


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"owner": "us"}, r"vdab\.yaml: owner: Extra inputs"),
        ({"publishes": ["be.duaalwest.intake.QuestionReceived.v1"]}, r"vdab\.yaml: publishes\.0: String should match"),
        ({"reads": ["partner.unizo.events"]}, r"vdab\.yaml: reads\.0: String should match"),
        ({"sources": []}, r"vdab\.yaml: sources: "),
        ({"sources": ["urn:partner:"]}, r"vdab\.yaml: sources\.0: String should match"),
        ({"quota": {"events_per_minute": 0, "bytes_per_second": 4096}}, r"vdab\.yaml: quota\.events_per_minute: "),
        ({"contact": "Jan"}, r"vdab\.yaml: contact: "),
        ({"id": "vdab.west"}, r"vdab\.west\.yaml: id: "),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_manifest_that_is_wrong_is_named_with_its_field(
    tmp_path: Path, changes: dict[str, object], wrong: str
) -> None:
    write(tmp_path, **changes)
    with pytest.raises(InvalidManifest, match=wrong):
        read_partners(tmp_path)


def test_a_file_is_named_after_its_partner(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "vdab.yaml").rename(tmp_path / "unizo.yaml")
    with pytest.raises(InvalidManifest, match=r"unizo\.yaml: id: it is vdab"):
        read_partners(tmp_path)


@pytest.mark.parametrize("source", ["urn:partner:vdab", "urn:partner:vdab:west"])
def test_no_partner_has_the_source_of_another(tmp_path: Path, source: str) -> None:
    write(tmp_path)
    write(tmp_path, id="unizo", sources=[source])
    with pytest.raises(InvalidManifest, match=rf"unizo\.yaml: sources: {source} .* vdab"):
        read_partners(tmp_path)


@pytest.mark.parametrize(
    ("source", "own"),
    [
        ("urn:partner:vdab", True),
        ("urn:partner:vdab:vacatures", True),
        ("urn:partner:vdab/vacatures", True),
        ("urn:partner:vdab-west", False),
        ("urn:partner", False),
        ("/services/intake", False),
    ],
)
def test_a_source_is_the_partners_own_or_something_under_it(source: str, own: bool) -> None:
    assert DEMO["vdab"].owns(source) == own


@pytest.mark.parametrize(
    ("day", "may"),
    [(date(2026, 8, 31), False), (date(2026, 9, 1), True), (date(2027, 8, 31), True), (date(2027, 9, 1), False)],
)
def test_a_partner_sends_within_its_calendar(day: date, may: bool) -> None:
    assert DEMO["schoolsoft"].may_publish("be.duaalwest.partner.QuestionReceived.v1", day) == may


def test_a_partner_sends_only_the_types_that_were_agreed() -> None:
    assert not DEMO["vdab"].may_publish("be.duaalwest.partner.QuestionReceived.v1", date(2026, 11, 2))
