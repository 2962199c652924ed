"""Makes versions of one event type for tests."""

from typing import Any
from uuid import UUID

from pydantic import create_model

from contracts.event import Event, event

TYPE = "be.duaalwest.test.ThingHappened.v1"


def an_event(*, topic: str = "duaal.test.things", key: str = "thing_id", **fields: Any) -> type[Event]:
    """A version of one type with two ids and these fields: `name=(type, default)`, or only a type when required."""
    named: dict[str, Any] = {
        name: given if isinstance(given, tuple) else (given, ...) for name, given in fields.items()
    }
    model = create_model(
        "ThingHappened",
        __base__=Event,
        __doc__="A thing happened.",
        thing_id=(UUID, ...),
        other_id=(UUID, ...),
        **named,
    )
    return event(TYPE, topic=topic, key=key)(model)
