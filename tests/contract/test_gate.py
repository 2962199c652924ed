"""`make contracts`: every event is recorded and compatible with its former versions; released versions never change."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import deploy
from chassis.partners import read_partners
from chassis.topics import TOPICS
from contracts.compatibility import Change
from contracts.event import Event
from contracts.intake import QuestionReceived
from contracts.operations import DeadLetterOpened
from contracts.partner import ReferralClosed
from contracts.schema import identity, recorded, text_of
from contracts.vocabulary import Code
from deploy.contracts.gate import Gate, State, Verdict, gate
from deploy.contracts.recording import record, who_goes_first
from deploy.services import SERVICES
from tests.contract.models import TYPE, an_event

FIRST = an_event()
SECOND = an_event(thing=(int | None, None))


def git(folder: Path, *arguments: str) -> None:
    identity_of_nobody = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run(["git", *identity_of_nobody, *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "released")


@pytest.fixture
def empty(tmp_path: Path) -> Gate:
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    folder = tmp_path / "schemas"
    folder.mkdir()
    return Gate(folder, tries=5)


@pytest.fixture
def released(empty: Gate) -> Gate:
    """A gate for which the first version is recorded and committed."""
    record(FIRST, empty)
    commit(empty.folder)
    return empty


def judged(gate: Gate, model: type[Event]) -> Verdict:
    (verdict,) = gate.verdicts({TYPE: model})
    return verdict


def files(gate: Gate) -> dict[str, str]:
    return {file.name: file.read_text() for file in (gate.folder / TYPE).iterdir()}


def test_our_own_contracts_pass() -> None:
    assert [verdict for verdict in gate(tries=5).verdicts() if not verdict.passed] == [], "run: make contracts"


def test_a_new_event_is_to_be_recorded_and_then_passes(empty: Gate) -> None:
    verdict = judged(empty, FIRST)
    assert (verdict.state, verdict.compatible, verdict.passed) == (State.NEW, True, False)
    record(FIRST, empty)
    assert set(files(empty)) == {"1.writer.json", "1.reader.json"}
    assert judged(empty, FIRST).passed


def test_a_compatible_change_becomes_the_next_version_and_leaves_the_former_alone(released: Gate) -> None:
    verdict = judged(released, SECOND)
    assert (verdict.state, verdict.compatible, verdict.passed) == (State.CHANGED, True, False)
    assert verdict.found == [Change("FIELD_ADDED", "thing")]
    before = files(released)
    assert record(SECOND, released) == 2
    assert judged(released, SECOND).passed
    assert files(released).items() > before.items()


def test_a_draft_that_is_not_released_is_replaced(released: Gate) -> None:
    assert record(SECOND, released) == 2
    third = an_event(other=(int | None, None))
    assert judged(released, third).compatible
    assert record(third, released) == 2
    assert judged(released, third).passed
    assert set(recorded(TYPE, released.folder)) == {1, 2}


def test_of_the_drafts_since_an_older_release_one_version_remains(released: Gate) -> None:
    for model in (SECOND, FIRST):
        record(model, released)
        commit(released.folder)
    since_the_first = replace(released, since="HEAD~2")
    assert record(SECOND, since_the_first) == 2
    assert set(recorded(TYPE, released.folder)) == {1, 2}


def test_an_incompatible_change_does_not_pass(released: Gate) -> None:
    verdict = judged(released, an_event(thing=int))
    assert not verdict.compatible
    assert verdict.breaks == [(1, Change("REQUIRED_FIELD_ADDED", "thing"))]
    assert verdict.disagreements == []


def test_every_former_version_counts_not_only_the_last(released: Gate) -> None:
    for model in (SECOND, FIRST):
        record(model, released)
        commit(released.folder)
    verdict = judged(released, an_event(thing=(Code | None, None)))
    assert [(number, change.rule) for number, change in verdict.breaks] == [(2, "TYPE_CHANGED")]


def test_what_is_outside_the_dialect_does_not_pass(released: Gate) -> None:
    assert judged(released, an_event(thing=dict[str, int])).outside


def test_a_version_whose_content_was_changed_does_not_pass(released: Gate) -> None:
    file = released.folder / TYPE / "1.reader.json"
    file.write_text(file.read_text().replace('"thing_id"', '"thing_key"'))
    assert judged(released, FIRST).altered == ["1.reader.json"]
    commit(released.folder)
    assert judged(released, FIRST).altered == ["1.reader.json"]


def test_a_version_that_was_changed_with_its_id_does_not_pass(released: Gate) -> None:
    file = released.folder / TYPE / "1.writer.json"
    forged = json.loads(file.read_text()) | {"required": ["thing_id"]}
    file.write_text(text_of(forged | {"$id": identity(forged)}))
    assert judged(released, FIRST).altered == ["1.writer.json"]


def test_a_version_that_was_taken_away_does_not_pass(released: Gate) -> None:
    record(SECOND, released)
    for form in ("writer", "reader"):
        (released.folder / TYPE / f"1.{form}.json").unlink()
    assert judged(released, SECOND).altered == ["1.reader.json", "1.writer.json"]


def test_an_event_that_was_taken_away_does_not_pass_with_its_versions_or_without(released: Gate) -> None:
    (verdict,) = released.verdicts({})
    assert (verdict.type, verdict.state, verdict.compatible) == (TYPE, State.GONE, False)
    shutil.rmtree(released.folder / TYPE)
    (verdict,) = released.verdicts({})
    assert (verdict.type, verdict.state, verdict.compatible) == (TYPE, State.GONE, False)


def test_without_git_all_that_was_recorded_counts_as_released(tmp_path: Path) -> None:
    alone = Gate(tmp_path, tries=5)
    record(FIRST, alone)
    assert record(SECOND, alone) == 2
    assert judged(alone, SECOND).passed


PARTNERS = list(read_partners(Path(deploy.__file__).parent / "partners").values())


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (["FIELD_ADDED"], "writers (intake) and readers ({readers}) in any order"),
        (["VALUE_ADDED"], "readers first ({readers}), then the writers (intake)"),
        (
            ["VALUE_REMOVED"],
            "writers first (intake), then the readers ({readers})",
        ),
        (["VALUE_REMOVED", "VALUE_ADDED"], "some changes want readers first and others writers first: make it two"),
    ],
)
def test_it_says_with_names_who_is_deployed_first(found: list[str], says: str) -> None:
    reading = [partner.model_copy(update={"reads": ("duaal.intake.cases",)}) for partner in PARTNERS[:2]]
    names = [*TOPICS["duaal.intake.cases"].consumers, *(f"partner {partner.id}" for partner in PARTNERS[:2])]
    sentence = who_goes_first(QuestionReceived.declaration, [Change(rule, "a") for rule in found], reading)
    assert sentence.startswith(says.format(readers=", ".join(sorted(names))))


def test_what_a_partner_sends_is_written_by_the_partners_whose_manifest_lists_it() -> None:
    sentence = who_goes_first(ReferralClosed.declaration, [], PARTNERS)
    assert "readers (intake)" in sentence
    assert "partner clb-west" in sentence
    assert "partner unizo" not in sentence


def test_writers_on_a_topic_per_service_are_all_services_that_have_one() -> None:
    told = who_goes_first(DeadLetterOpened.declaration, [], [])
    assert f"writers ({', '.join(SERVICES)}) and readers (nobody yet)" in told
