"""The documents: one per service, one for partners in general, and one per partner."""

from importlib import import_module

from chassis.messaging.groups import group_of
from chassis.partners import Partner
from chassis.topics import PARTNER_TOPICS, TOPICS, Topic, topic_of
from contracts.partner import EVENTS, REJECTED
from contracts.registry import EVENTS as ALL
from deploy.asyncapi.document import Channel, Document, document, events_on
from deploy.services import SERVICES

SERVERS = {
    "local": {
        "host": "127.0.0.1:{port}",
        "protocol": "kafka",
        "description": "What `make up` starts on your own machine, without a password.",
        "variables": {"port": {"description": "`make up` prints it.", "default": "9092"}},
    },
    "secured": {
        "host": "kafka.duaalwest.example:9093",
        "protocol": "kafka-secure",
        "description": "The platform; the address comes with your account.",
        "security": [{"$ref": "#/components/securitySchemes/scram"}],
    },
}
HTTP = {
    "http": {
        "host": "intake.duaalwest.example",
        "protocol": "https",
        "description": "For partners without Kafka; the address and a token come with your account.",
        "security": [{"$ref": "#/components/securitySchemes/bearer"}],
    }
}
SCRAM = {"scram": {"type": "scramSha512", "description": "SASL/SCRAM with the user and password of your account."}}
BEARER = {"bearer": {"type": "http", "scheme": "bearer", "description": "The token of your account."}}

OPERATIONS = (".dead-letters", ".timers")
"""Endings of topics about the operation of the platform, which partners do not read."""

GUARANTEES = (
    "Events are delivered at least once: a duplicate has the same `ce_source` and `ce_id`. Events with the same key "
    "keep their order, and `ce_sequence` counts from 1 per `ce_subject`. Within a major version only optional fields "
    "are added. No names, addresses, mail, telephone numbers, birth dates, national numbers or free text."
)


def documents() -> dict[str, Document]:
    """The documents in the contracts, by name: one per service, and `partner`."""
    return {**{name: of_service(name) for name in SERVICES}, "partner": of_partners()}


def of_service(name: str) -> Document:
    """The document of a service: what it sends, and what it receives from other services."""
    everything = {**TOPICS, **PARTNER_TOPICS}
    channels = [
        *(Channel(topic, "send", events_on(topic.name)) for topic in everything.values() if name in topic.producers),
        *(
            Channel(topic, "receive", events_on(topic.name), group_of(name))
            for topic in everything.values()
            if name in topic.consumers and name not in topic.producers
        ),
    ]
    about = import_module(f"services.{name}").__doc__ or ""
    return document(f"Duaal West: {name}", f"{about}\n\n{GUARANTEES}", channels, SERVERS, SCRAM)


def of_partners() -> Document:
    """The document for partners in general: all types they may send, and all topics they may be allowed to read."""
    read = [topic for topic in TOPICS.values() if not topic.name.endswith(OPERATIONS)]
    return _of_partner(
        "Duaal West for partners",
        "Your manifest says which of these types you send and which of these topics you read.",
        Channel(PARTNER_TOPICS[EVENTS], "send", events_on(EVENTS)),
        PARTNER_TOPICS[REJECTED],
        read,
    )


def of_partner(partner: Partner) -> Document:
    """The document of one partner: what its manifest allows it to send and read."""
    return _of_partner(
        f"Duaal West for {partner.name}",
        f"What the manifest of {partner.id} allows it to send and read.",
        Channel(topic_of(EVENTS, partner.id), "send", tuple(ALL[type_] for type_ in partner.publishes)),
        topic_of(REJECTED, partner.id),
        [TOPICS[name] for name in partner.reads],
        group=f"{partner.prefix}reader",
    )


def _of_partner(
    title: str, description: str, sends: Channel, rejected: Topic, reads: list[Topic], group: str | None = None
) -> Document:
    channels = [
        *((sends, Channel(rejected, "receive", events_on(REJECTED), group)) if sends.events else ()),
        *(Channel(topic, "receive", events_on(topic.name), group) for topic in reads),
    ]
    described = f"{description}\n\n{GUARANTEES}"
    if not sends.events:
        return document(title, described, channels, SERVERS, SCRAM)
    return document(title, described, channels, SERVERS | HTTP, SCRAM | BEARER, http_server="http")
