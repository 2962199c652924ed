"""The demo partners, and messages as they send them."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import contracts
from chassis.observability.metrics import Metrics
from chassis.partners import Partner, read_partners
from chassis.record import Record
from chassis.testing.builders import NOON, a_record
from contracts.envelope import Envelope, Headers
from contracts.event import Event
from contracts.partner import EVENTS as TOPIC
from contracts.registry import EVENTS
from tests.conftest import ROOT

MANIFESTS = Path(ROOT, "deploy", "partners")
PARTNERS = read_partners(MANIFESTS)
TYPES = sorted(type_ for type_, model in EVENTS.items() if model.declaration.topic == TOPIC)
"""Every type that a partner may send."""


def partner(id_: str) -> Partner:
    return PARTNERS[id_]


def data_of(type_: str, **changed: Any) -> dict[str, Any]:
    """The data of the full golden message, with some fields changed; None removes a field."""
    file = Path(contracts.__file__).parent / "examples" / f"{type_}.full.json"
    data = json.loads(file.read_text())["data"] | changed
    return {name: value for name, value in data.items() if value is not None}


def event_of(type_: str, **changed: Any) -> Event:
    return EVENTS[type_].from_json(json.dumps(data_of(type_, **changed)).encode())


def headers_by(
    sender: Partner, type_: str, *, id_: str | None = None, source: str | None = None, at: datetime = NOON
) -> Headers:
    """Headers as this partner sends them."""
    return Envelope(id=id_ or str(uuid4()), source=source or sender.sources[0], type=type_, time=at).headers()


def a_partner_record(
    sender: Partner,
    type_: str,
    *,
    headers: Sequence[tuple[str, bytes | None]] | None = None,
    value: bytes | None = None,
    **changed: Any,
) -> Record:
    """A record on the partner's own topic, valid unless the test changes it."""
    data = data_of(type_, **changed)
    return Record(
        sender.events_topic,
        0,
        a_record(topic="any").offset,
        data.get("reference", "").encode(),
        headers or headers_by(sender, type_),
        json.dumps(data).encode() if value is None else value,
        NOON,
    )


def forgeries(sender: Partner) -> list[tuple[str, str]]:
    """Types and sources that this partner may not send: types outside its manifest, and sources of others."""
    own = sender.sources[0]
    others = ["/services/intake", *(one.sources[0] for one in PARTNERS.values() if one is not sender)]
    foreign = [(type_, source) for type_ in TYPES for source in others]
    return [(type_, own) for type_ in TYPES if type_ not in sender.publishes] + foreign


def counted(metrics: Metrics) -> dict[str, int]:
    """The border's counts, by `<result> <reason>`."""
    counts: Counter[str] = Counter()
    for metric in metrics.registry.collect():
        for sample in metric.samples:
            if sample.name == "duaal_border_messages_total":
                counts[f"{sample.labels['result']} {sample.labels['reason']}".strip()] += int(sample.value)
    return dict(counts)
