"""From a CloudEvents type to its model: every event that a module of this package declares."""

from collections.abc import Iterator
from importlib import import_module
from importlib.resources import files

from contracts.event import Event


def _events() -> Iterator[type[Event]]:
    for file in sorted(files("contracts").iterdir(), key=lambda file: file.name):
        # The text says which modules these are, so that nothing else of the package is imported.
        if file.name.endswith(".py") and "\n@event(" in file.read_text(encoding="utf-8"):
            module = import_module(f"contracts.{file.name.removesuffix('.py')}")
            yield from (thing for thing in vars(module).values() if _is_declared(thing))


def _is_declared(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Event) and "declaration" in vars(thing)


EVENTS: dict[str, type[Event]] = {model.declaration.type: model for model in _events()}
