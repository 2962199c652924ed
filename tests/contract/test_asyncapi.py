"""The AsyncAPI documents and pages are up to date, complete, and agree with registry, manifests and golden messages."""

import json
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, FormatChecker

from chassis.partners import read_partners
from chassis.topics import PARTNER_TOPICS, TOPICS, Topic
from contracts.envelope import Envelope
from contracts.event import Event
from contracts.registry import EVENTS
from deploy.asyncapi.__main__ import FOLDER
from deploy.asyncapi.document import Document, events_on, text_of
from deploy.asyncapi.headers import HEADERS
from deploy.asyncapi.page import page_of
from deploy.asyncapi.serve import server
from deploy.asyncapi.views import documents, of_partner
from deploy.local.platform import PARTNERS

DOCUMENTS = documents()
DEMO_PARTNERS = read_partners(PARTNERS)
EVERY = DOCUMENTS | {f"partner-{id_}": of_partner(partner) for id_, partner in DEMO_PARTNERS.items()}
MANIFESTS = TOPICS | PARTNER_TOPICS
MESSAGES = [
    pytest.param(document, name, id=f"{title}-{name}")
    for title, document in DOCUMENTS.items()
    for name in document["components"]["messages"]
]


def validator(document: Document, schema: dict[str, Any]) -> Draft7Validator:
    """A validator for a schema of the document, with references to its components."""
    whole = {"allOf": [schema], "components": document["components"]}
    return Draft7Validator(whole, format_checker=FormatChecker())


def actions(document: Document, action: str) -> dict[str, set[str]]:
    """Per channel the types that this application sends or receives."""
    return {
        operation["channel"]["$ref"].rpartition("/")[2]: {
            ref["$ref"].rpartition("/")[2] for ref in operation["messages"]
        }
        for operation in document["operations"].values()
        if operation["action"] == action
    }


def in_the_document(name: str) -> str:
    return name.replace("<", "").replace(">", "")


def test_the_committed_documents_are_what_the_contracts_say_today() -> None:
    committed = {file.stem: file.read_text() for file in FOLDER.iterdir()}
    assert committed == {name: text_of(document) for name, document in DOCUMENTS.items()}, "python -m deploy.asyncapi"


@pytest.mark.parametrize("topic", MANIFESTS.values(), ids=MANIFESTS)
def test_a_topic_is_sent_and_received_by_the_services_in_its_manifest(topic: Topic) -> None:
    name, types = in_the_document(topic.name), {model.declaration.type for model in events_on(topic.name)}
    assert types
    for who in topic.producers:
        assert actions(DOCUMENTS[who], "send")[name] == types
    for who in {*topic.consumers} - {*topic.producers}:
        assert actions(DOCUMENTS[who], "receive")[name] == types
    others = DOCUMENTS.keys() - {*topic.producers, *topic.consumers, "partner"}
    assert not [who for who in others if name in DOCUMENTS[who]["channels"]]


@pytest.mark.parametrize("topic", MANIFESTS.values(), ids=MANIFESTS)
def test_a_channel_says_how_its_topic_is_kept(topic: Topic) -> None:
    name = in_the_document(topic.name)
    bindings = [
        document["channels"][name]["bindings"]["kafka"] for document in EVERY.values() if name in document["channels"]
    ]
    assert bindings
    for binding in bindings:
        assert binding["partitions"] == topic.partitions
        assert binding["topicConfiguration"]["retention.ms"] == topic.retention_days * 24 * 60 * 60 * 1000
        assert binding.get("topic", topic.name) == topic.name


@pytest.mark.parametrize("model", EVENTS.values(), ids=EVENTS)
def test_every_event_is_in_the_document_of_a_sender_with_its_key(model: type[Event]) -> None:
    type_ = model.declaration.type
    found = [document for document in DOCUMENTS.values() if type_ in set().union(*actions(document, "send").values())]
    assert found
    for document in found:
        key = document["components"]["messages"][type_]["bindings"]["kafka"]["key"]
        assert model.declaration.key in key["description"]
        assert key.get("format") == "uuid" or key["pattern"]


@pytest.mark.parametrize(("document", "name"), MESSAGES)
def test_a_message_has_two_examples_or_more_that_keep_to_it(document: Document, name: str) -> None:
    message = document["components"]["messages"][name]
    assert len(message["examples"]) >= 2
    payload = validator(document, message["payload"])
    for example in message["examples"]:
        assert [error.message for error in payload.iter_errors(example["payload"])] == []
        if "headers" in message:
            trait = document["components"]["messageTraits"]["cloudEvent"]["headers"]
            headers = validator(document, {"allOf": [trait, message["headers"]]})
            assert [error.message for error in headers.iter_errors(example["headers"])] == []


@pytest.mark.parametrize(("document", "name"), MESSAGES)
def test_an_example_that_breaks_its_message_would_be_seen(document: Document, name: str) -> None:
    message = document["components"]["messages"][name]
    example = message["examples"][0]
    for field in example["payload"]:
        assert not validator(document, message["payload"]).is_valid({**example["payload"], field: [{}]}), field
    if "headers" in message:
        wrong = {**example["headers"], "ce_type": "be.duaalwest.other.Thing.v1"}
        assert not validator(document, message["headers"]).is_valid(wrong)


def test_schemas_are_closed_for_senders_and_open_for_receivers() -> None:
    type_ = "be.duaalwest.intake.QuestionReceived.v1"
    message = DOCUMENTS["intake"]["components"]["messages"][type_]
    example = message["examples"][0]["payload"]
    for tomorrow in ({**example, "new_field": 1}, {**example, "audience": "SOMEBODY_NEW"}):
        assert not validator(DOCUMENTS["intake"], message["payload"]).is_valid(tomorrow)
        assert validator(DOCUMENTS["partner"], message["payload"]).is_valid(tomorrow)
        EVENTS[type_].from_json(json.dumps(tomorrow).encode())


def test_every_header_that_we_write_is_explained() -> None:
    texts = dict.fromkeys(Envelope._fields, "x") | {"sequence": 1}
    moments = dict.fromkeys(("time", "recordedtime"), datetime(2026, 11, 23, tzinfo=UTC))
    full = Envelope(**{**texts, **moments})  # type: ignore[arg-type]
    assert {name for name, _ in full.headers()} == HEADERS.keys()


@pytest.mark.parametrize("id_", DEMO_PARTNERS)
def test_a_partner_sees_what_its_manifest_lets_it_send_and_read_and_no_more(id_: str) -> None:
    partner, document = DEMO_PARTNERS[id_], EVERY[f"partner-{id_}"]
    sends = actions(document, "send")
    assert sends.get(partner.events_topic, set()) == set(partner.publishes)
    assert {type_.removesuffix(".http") for type_ in sends.get("partner-events-over-http", ())} == set(
        partner.publishes
    )
    rejected = {partner.rejected_topic} if partner.publishes else set()
    assert actions(document, "receive").keys() == {*partner.reads} | rejected


@pytest.mark.parametrize("document", EVERY.values(), ids=EVERY)
def test_every_server_beyond_this_machine_requires_a_login(document: Document) -> None:
    schemes = document["components"]["securitySchemes"]
    for server_ in document["servers"].values():
        names = [reference["$ref"].rpartition("/")[2] for reference in server_.get("security", ())]
        assert server_["host"].startswith("127.0.0.1") or schemes.keys() >= set(names) > set()


class _Page(HTMLParser):
    """The words of a page, and everything that it would load or link to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: set[str] = set()
        self.loads: list[str] = []
        self.leads: set[str] = set()
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.leads.add(given["href"])
        elif {"src", "srcset", "href", "data", "action", "poster"} & given.keys() or tag in {"script", "iframe"}:
            self.loads.append(f"{tag} {given}")
        if "id" in given:
            self.ids.append(given["id"])

    def handle_data(self, data: str) -> None:
        self.words.add(data.strip())


@pytest.mark.parametrize("document", EVERY.values(), ids=EVERY)
def test_a_page_loads_nothing_and_leads_nowhere_else(document: Document) -> None:
    text = page_of(document)
    page = _Page(text)
    assert page.loads == []
    assert "@import" not in text
    assert "url(" not in text
    assert "default-src 'none'" in text
    assert {link.removeprefix("#") for link in page.leads} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_words_cannot_become_markup() -> None:
    document = yaml.safe_load(text_of(DOCUMENTS["pof"]))
    document["info"]["description"] = "<script>`<b>`</script>"
    assert "&lt;script&gt;<code>&lt;b&gt;</code>&lt;/script&gt;" in page_of(document)


def test_every_message_field_code_and_header_is_on_a_page() -> None:
    words = set().union(*(_Page(page_of(document)).words for document in DOCUMENTS.values()))
    for type_, model in EVENTS.items():
        assert type_ in words
        assert " ".join((model.__doc__ or "").split()) in words
        assert set(model.model_fields) <= words
    for schema in DOCUMENTS["partner"]["components"]["schemas"].values():
        assert set(schema.get("x-codes", ())) <= words
    assert HEADERS.keys() <= words
    assert "reasons[].criterion" in words
    assert "studiekeuze: is dual right for me" in words
    assert "Number of a structuuronderdeel: the programme that a school may offer (code list" in words


def test_the_pages_are_served_on_this_machine() -> None:
    with server(0) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{pages.server_port}"
        with urllib.request.urlopen(f"{address}/") as answer:
            leads = _Page(answer.read().decode()).leads
        assert leads == {f"{name}.{kind}" for name in EVERY for kind in ("html", "yaml")}
        for lead in leads:
            with urllib.request.urlopen(f"{address}/{lead}") as answer:
                assert answer.read()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{address}/../pyproject.toml")
        pages.shutdown()
