"""From a CloudEvents type to its model: the one list of all events."""

from types import ModuleType

from contracts import intake, matching, notifications, operations, partner, pof, referral
from contracts.event import Event


def _events_of(module: ModuleType) -> list[type[Event]]:
    return [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Event) and "declaration" in vars(thing)
    ]


EVENTS: dict[str, type[Event]] = {
    model.declaration.type: model
    for module in (intake, matching, referral, notifications, pof, operations, partner)
    for model in _events_of(module)
}
