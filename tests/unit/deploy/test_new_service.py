"""What `duaal new service` refuses, and what it makes; tests/e2e/test_how_to.py shows that what it makes works."""

import ast
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from deploy.cli import app
from deploy.local.platform import PARTNERS
from deploy.local.stack import StackError
from deploy.new_service.names import plural
from deploy.new_service.rendering import rendered, with_topics
from deploy.services import ROOT


def refusal_of(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["new", "service", *arguments])
    assert isinstance(done.exception, StackError)
    return str(done.exception)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("mentor-ing", "'mentor-ing' cannot name a service: two to twenty letters from a to z, and nothing else."),
        ("Mentoring", "'Mentoring' cannot name a service"),
        ("2mentors", "'2mentors' cannot name a service"),
        ("class", "class is a word of Python's own language"),
        ("queue", "queue is a module of Python itself"),
        ("intake", "There is a service intake already."),
        ("partner", "The contracts have a module partner already"),
        ("codelists", "The contracts have a module codelists already"),
        ("postgres", "postgres means something else to PostgreSQL"),
    ],
)
def test_a_name_that_cannot_be_is_refused_in_one_sentence(name: str, why: str) -> None:
    assert refusal_of(name).startswith(why)


@pytest.mark.parametrize("aggregate", ["Training", "import", "event", "timer"])
def test_so_is_an_aggregate_that_cannot_be_called_so(aggregate: str) -> None:
    assert aggregate in refusal_of("sample", "--aggregate", aggregate)
    assert not (ROOT / "services" / "sample").exists()


@pytest.mark.parametrize(
    ("one", "many"),
    [("entry", "entries"), ("training", "trainings"), ("day", "days"), ("address", "addresses"), ("batch", "batches")],
)
def test_tables_topics_and_routes_are_named_by_the_plural(one: str, many: str) -> None:
    assert plural(one) == many


def test_every_file_is_named_after_the_service_and_reads_as_what_it_is() -> None:
    files = rendered("sample", "training")
    for path, text in files.items():
        assert "sample" in str(path)
        assert "{{" not in f"{path} {text}"
        if path.suffix == ".py":
            ast.parse(text)
        if path.suffix == ".yaml":
            assert yaml.safe_load(text)["name"] == path.stem
    assert Path("services/sample/domain/training.py") in files
    assert Path("contracts/topics/duaal.sample.trainings.yaml") in files


def test_the_dashboards_may_read_the_new_topics_and_nothing_else_of_their_manifest_changes() -> None:
    before = (PARTNERS / "dashboards.yaml").read_text()
    after = with_topics(before, ["duaal.sample.trainings"])
    assert with_topics(after, ["duaal.sample.trainings"]) == after
    read = yaml.safe_load(after)["reads"]
    assert read == sorted([*yaml.safe_load(before)["reads"], "duaal.sample.trainings"])
    assert after.replace("  - duaal.sample.trainings\n", "") == before
