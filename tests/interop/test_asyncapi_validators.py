"""The AsyncAPI documents with two independent validators, which both report errors in a broken one."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.partners import read_partners
from deploy.asyncapi.document import Document, text_of
from deploy.asyncapi.headers import HEADERS
from deploy.asyncapi.views import documents, of_partner, of_service
from deploy.local.platform import PARTNERS
from tests.interop.clients import FOLDER, run

pytestmark = pytest.mark.npm

SOUND = documents() | {"schoolsoft": of_partner(read_partners(PARTNERS)["schoolsoft"])}


def a_channel_that_is_not_there(document: Document) -> None:
    next(iter(document["operations"].values()))["channel"]["$ref"] = "#/channels/nowhere"


def an_operation_that_neither_sends_nor_receives(document: Document) -> None:
    next(iter(document["operations"].values()))["action"] = "shout"


def a_schema_that_is_none(document: Document) -> None:
    next(iter(document["components"]["schemas"].values()))["type"] = "text"


def a_server_without_a_host(document: Document) -> None:
    del document["servers"]["secured"]["host"]


def an_operation_in_no_words(document: Document) -> None:
    del next(iter(document["operations"].values()))["description"]


FAULTS: list[Callable[[Document], None]] = [
    a_channel_that_is_not_there,
    an_operation_that_neither_sends_nor_receives,
    a_schema_that_is_none,
    a_server_without_a_host,
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every document, and one broken document per fault, by name."""
    folder = tmp_path_factory.mktemp("asyncapi")
    texts = {name: text_of(document) for name, document in SOUND.items()}
    for fault in (*FAULTS, an_operation_in_no_words):
        document = yaml.safe_load(text_of(of_service("matching")))
        fault(document)
        texts[fault.__name__] = text_of(document)
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return {name: folder / f"{name}.yaml" for name in texts}


@pytest.fixture(scope="module")
def parsed(files: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """The result of @asyncapi/parser for each: errors, and the names of every message's headers."""
    answers = run("node", "asyncapi.mjs", *map(str, files.values())).splitlines()
    return dict(zip(files, map(json.loads, answers), strict=True))


@pytest.fixture(scope="module")
def linted(files: dict[str, Path]) -> dict[str, list[str]]:
    """The findings of Spectral's whole AsyncAPI rule set in each, hints included: rule and place."""
    command = ["node_modules/.bin/spectral", "lint", "--ruleset=spectral.yaml", "--format=json", "--quiet"]
    done = subprocess.run(
        [*command, *map(str, files.values())], capture_output=True, text=True, cwd=FOLDER, check=False
    )
    found = json.loads(done.stdout)
    return {
        name: [f"{one['code']} {'.'.join(map(str, one['path']))}" for one in found if one["source"] == str(file)]
        for name, file in files.items()
    }


@pytest.mark.parametrize("name", SOUND)
def test_the_parser_finds_nothing_and_sees_the_headers_of_every_message(
    name: str, parsed: dict[str, dict[str, Any]]
) -> None:
    assert parsed[name]["errors"] == []
    on_kafka = [names for names in parsed[name]["headers"] if names]
    assert on_kafka
    assert on_kafka == [list(HEADERS)] * len(on_kafka)


@pytest.mark.parametrize("name", SOUND)
def test_spectral_finds_nothing(name: str, linted: dict[str, list[str]]) -> None:
    assert linted[name] == []


@pytest.mark.parametrize("fault", FAULTS)
def test_both_object_to(
    fault: Callable[[Document], None], parsed: dict[str, dict[str, Any]], linted: dict[str, list[str]]
) -> None:
    assert parsed[fault.__name__]["errors"]
    assert linted[fault.__name__]


def test_spectral_objects_to_an_operation_without_a_description(linted: dict[str, list[str]]) -> None:
    assert linted[an_operation_in_no_words.__name__]
