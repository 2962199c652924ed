"""One AsyncAPI 3 document: what an application sends and receives, on which topics, with which headers and examples."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

import contracts
from chassis.topics import DAY_MS, Topic
from contracts.event import Event
from contracts.registry import EVENTS
from contracts.schema import schema_of
from deploy.asyncapi.headers import CLOUD_EVENT
from deploy.asyncapi.schemas import Form, components_of, reference
from deploy.asyncapi.words import sentence_of

Document = dict[str, Any]
Action = Literal["send", "receive"]

EXAMPLES = Path(contracts.__file__).parent / "examples"
FORMS: Mapping[Action, Form] = {"send": "closed", "receive": "open"}
BINDING = "0.5.0"
"""Version of AsyncAPI's binding for Kafka."""
HTTP_BINDING = "0.3.0"
CONTACT = {
    "name": "Provinciaal Steunpunt Duaal Leren West-Vlaanderen",
    "url": "https://steunpunt.example",
    "email": "duaal@steunpunt.example",
}


@dataclass(frozen=True)
class Channel:
    """A topic as one application uses it: it sends or receives these events, in this consumer group."""

    topic: Topic
    action: Action
    events: tuple[type[Event], ...]
    group: str | None = None

    @property
    def name(self) -> str:
        """The name in the document, in which a placeholder has no brackets."""
        return self.topic.name.replace("<", "").replace(">", "")

    @property
    def address(self) -> str:
        """The topic, with AsyncAPI's brackets around a placeholder."""
        return self.topic.name.replace("<", "{").replace(">", "}")


def events_on(declared: str) -> tuple[type[Event], ...]:
    """The events of a topic, by its name in manifests and declarations."""
    _, _, kind = declared.rpartition(".")
    own = {declared, f"duaal.<service>.{kind}"}
    return tuple(model for model in EVENTS.values() if model.declaration.topic in own)


def document(
    title: str,
    description: str,
    channels: Iterable[Channel],
    servers: Mapping[str, Any],
    security: Mapping[str, Any],
    http_server: str | None = None,
) -> Document:
    """The document of one application.

    `servers` and `security` (schemes) are in AsyncAPI's format, by name. `http_server` is the name of the HTTP server
    that accepts the same messages as Kafka, if there is one. The document's version follows from its content.
    """
    channels = list(channels)
    kafka = [{"$ref": f"#/servers/{name}"} for name in servers if name != http_server]
    found: Document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": "",
            "description": description,
            "contact": CONTACT,
            "tags": [{"name": "cloudevents", "description": "CloudEvents 1.0."}],
        },
        "defaultContentType": "application/json",
        "servers": dict(servers),
        "channels": {channel.name: _channel(channel, kafka) for channel in channels},
        "operations": {f"{channel.action}.{channel.name}": _operation(channel) for channel in channels},
        "components": {
            "messages": {m.declaration.type: _message(m) for channel in channels for m in channel.events},
            "schemas": {
                name: schema
                for channel in channels
                for model in channel.events
                for name, schema in components_of(model, FORMS[channel.action]).items()
            },
            "messageTraits": {"cloudEvent": CLOUD_EVENT},
            "securitySchemes": dict(security),
        },
    }
    if http_server:
        _add_http(
            found, http_server, [model for channel in channels if channel.action == "send" for model in channel.events]
        )
    # Not only the digest: YAML parsers for JavaScript read one like 8192315154e3 as a number.
    found["info"]["version"] = f"1.0.0+{hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12]}"
    return found


def text_of(found: Document) -> str:
    """The content of the committed file."""
    return yaml.dump(found, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)


def _channel(channel: Channel, servers: list[Any]) -> dict[str, Any]:
    topic = channel.topic
    placeholders = {"parameters": {"partner": {"description": "Your id, as in your manifest."}}}
    named = {"topic": topic.name} if channel.address == topic.name else {}
    return {
        "address": channel.address,
        "title": channel.address,
        "description": topic.description,
        "servers": servers,
        **({} if named else placeholders),
        "messages": {m.declaration.type: _component("messages", m.declaration.type) for m in channel.events},
        "bindings": {
            "kafka": {
                **named,
                "partitions": topic.partitions,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": topic.retention_days * DAY_MS},
                "bindingVersion": BINDING,
            }
        },
        "x-owner": topic.owner,
        "x-producers": list(topic.producers),
        "x-consumers": list(topic.consumers),
        "x-key": topic.key,
        "x-retention-days": topic.retention_days,
        "x-data-class": topic.data_class,
    }


def _operation(channel: Channel) -> dict[str, Any]:
    group = {"groupId": {"type": "string", "enum": [channel.group]}} if channel.group else {}
    place = f"#/channels/{channel.name}"
    return {
        "action": channel.action,
        "title": f"{channel.action.capitalize()} {channel.address}",
        "description": channel.topic.description,
        "channel": {"$ref": place},
        "messages": [{"$ref": f"{place}/messages/{model.declaration.type}"} for model in channel.events],
        "bindings": {"kafka": {**group, "bindingVersion": BINDING}},
    }


def _message(model: type[Event]) -> dict[str, Any]:
    declaration = model.declaration
    key = schema_of(model)["properties"][declaration.key]
    return {
        "name": declaration.type,
        "title": model.__name__,
        "summary": sentence_of(model),
        "contentType": "application/json",
        "traits": [_component("messageTraits", "cloudEvent")],
        "headers": {"type": "object", "properties": {"ce_type": {"type": "string", "const": declaration.type}}},
        "payload": reference(declaration.type),
        "bindings": {
            "kafka": {
                "key": {
                    "description": f"The field `{declaration.key}`, as text.",
                    **key,
                },
                "bindingVersion": BINDING,
            }
        },
        "examples": [
            {"name": name, "summary": f"{name} example", "headers": message["headers"], "payload": message["data"]}
            for name, message in golden_messages(model).items()
        ],
    }


def golden_messages(model: type[Event]) -> dict[str, dict[str, Any]]:
    """The committed messages of an event by name, each with its `headers` and its `data`; `minimal` before `full`."""
    prefix = f"{model.declaration.type}."
    files = sorted(EXAMPLES.glob(f"{prefix}*.json"), key=lambda file: (file.stem != f"{prefix}minimal", file.name))
    return {file.stem.removeprefix(prefix): json.loads(file.read_text()) for file in files}


def _add_http(found: Document, http_server: str, models: list[type[Event]]) -> None:
    """Add the channel for the same messages over HTTP, one CloudEvent in structured mode per request."""
    place = "#/channels/partner-events-over-http"
    names = {model: f"{model.declaration.type}.http" for model in models}
    found["components"]["messages"] |= {name: _structured(model) for model, name in names.items()}
    found["channels"]["partner-events-over-http"] = {
        "address": "/partner/events",
        "title": "POST /partner/events",
        "description": (
            "The same messages without Kafka. One CloudEvent per request, in structured mode as here or in binary mode "
            "(`application/json`, attributes in `ce-` headers); or a list, as `application/cloudevents-batch+json`."
        ),
        "servers": [{"$ref": f"#/servers/{http_server}"}],
        "messages": {name: _component("messages", name) for name in names.values()},
    }
    found["operations"]["send.partner-events-over-http"] = {
        "action": "send",
        "title": "POST a message",
        "description": (
            "202: everything in the request is accepted. Otherwise nothing of it is, and problem+json says which event "
            "is wrong and why; after 429 wait as long as `Retry-After` says. The same `id` again has no second effect."
        ),
        "channel": {"$ref": place},
        "messages": [{"$ref": f"{place}/messages/{name}"} for name in names.values()],
        "bindings": {"http": {"method": "POST", "bindingVersion": HTTP_BINDING}},
    }


def _structured(model: type[Event]) -> dict[str, Any]:
    type_ = model.declaration.type
    attributes = {
        name.removeprefix("ce_"): {**schema, "const": type_} if name == "ce_type" else schema
        for name, schema in CLOUD_EVENT["headers"]["properties"].items()
        if name != "content-type"
    }
    required = [name.removeprefix("ce_") for name in CLOUD_EVENT["headers"]["required"]]
    return {
        "name": type_,
        "title": f"{model.__name__} over HTTP",
        "summary": sentence_of(model),
        "contentType": "application/cloudevents+json",
        "payload": {
            "type": "object",
            "properties": {
                **attributes,
                "datacontenttype": {"type": "string", "const": "application/json"},
                "data": reference(type_),
            },
            "required": [*required, "data"],
        },
        "examples": [
            {"name": name, "summary": f"{name} example", "payload": structured(message)}
            for name, message in golden_messages(model).items()
        ],
    }


def structured(message: Mapping[str, Any]) -> dict[str, Any]:
    """A golden message as one JSON object in CloudEvents' structured mode."""
    attributes = {name.removeprefix("ce_"): text for name, text in message["headers"].items() if name != "content-type"}
    return {**attributes, "datacontenttype": "application/json", "data": message["data"]}


def _component(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


class _Plain(yaml.CSafeDumper):
    """Writes repeated values in full, because not every reader of AsyncAPI supports YAML aliases."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True
