"""The verdict on every event type: is its schema in the dialect, recorded, unchanged, and compatible both ways?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from contracts.compatibility import Change, changes, incompatibilities
from contracts.dialect import violations
from contracts.event import Event
from contracts.registry import EVENTS
from contracts.schema import FOLDER, Version, file_name, identity, recorded, version_of
from deploy.contracts.history import altered, committed


class State(StrEnum):
    """How a type compares with its recorded versions."""

    RECORDED = "recorded"
    NEW = "not recorded yet"
    CHANGED = "changed since it was recorded"
    GONE = "recorded, but no longer in the registry"


@dataclass
class Verdict:
    """What the gate found for one type. `version` is the last recorded one; `found` are the changes since then."""

    type: str
    state: State
    version: int
    found: list[Change] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    breaks: list[tuple[int, Change]] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)

    @property
    def compatible(self) -> bool:
        """It may be recorded."""
        return not (self.outside or self.altered or self.breaks or self.disagreements or self.state is State.GONE)

    @property
    def passed(self) -> bool:
        """Nothing is left to do."""
        return self.compatible and self.state is State.RECORDED


@dataclass(frozen=True)
class Gate:
    """Compares models with the versions in a folder; those in the commit are released. `tries`: messages per check."""

    folder: Path
    since: str = "HEAD"
    tries: int = 60

    def verdicts(self, events: Mapping[str, type[Event]] = EVENTS) -> list[Verdict]:
        """One verdict per type that is in the registry or was recorded, by name."""
        known = {place.name for place in self.folder.iterdir() if place.is_dir()}
        gone = (known | {name.split("/")[0] for name in altered(self.folder, self.since)}) - events.keys()
        found = [Verdict(type_, State.GONE, max(recorded(type_, self.folder), default=0)) for type_ in gone]
        found += [self.judge(model) for model in events.values()]
        return sorted(found, key=lambda verdict: verdict.type)

    def judge(self, model: type[Event]) -> Verdict:
        """Compare a model as it is now with all its former versions."""
        from deploy.contracts.opinions import disagreements  # noqa: PLC0415 - `duaal` runs without what this needs

        type_ = model.declaration.type
        if outside := violations(model):
            return Verdict(type_, State.CHANGED, max(recorded(type_, self.folder), default=0), outside=outside)
        today = version_of(model)
        former = self.released(type_)
        verdict = Verdict(type_, self._state(today, type_), max(former, default=0))
        verdict.found = changes(former[verdict.version].writer, today.writer) if former else []
        verdict.altered = sorted(set(self._altered(type_)))
        for number, version in former.items():
            broken = incompatibilities(changes(version.writer, today.writer))
            verdict.breaks += [(number, change) for change in broken]
        # The version of today is included: a model must read everything that its own schema allows.
        for version in {version.writer["$id"]: version for version in (*former.values(), today)}.values():
            verdict.disagreements += disagreements(version, today, model, tries=self.tries)
        return verdict

    def released(self, type_: str) -> dict[int, Version]:
        """The recorded versions that are committed. A version that is not committed yet is a draft and may change."""
        seen = committed(self.folder, self.since)
        versions = recorded(type_, self.folder)
        if seen is None:
            return versions
        return {number: versions[number] for number in versions if f"{type_}/{file_name(number, 'writer')}" in seen}

    def _state(self, today: Version, type_: str) -> State:
        versions = recorded(type_, self.folder)
        if not versions:
            return State.NEW
        return State.RECORDED if versions[max(versions)].writer["$id"] == today.writer["$id"] else State.CHANGED

    def _altered(self, type_: str) -> Iterator[str]:
        """Files that were changed: the content does not fit the `$id`, or differs from the commit."""
        for number, version in recorded(type_, self.folder).items():
            for form, schema in version._asdict().items():
                if identity(schema) != schema["$id"]:
                    yield file_name(number, form)
        for name in altered(self.folder, self.since):
            if name.startswith(f"{type_}/"):
                yield name.removeprefix(f"{type_}/")


def gate(since: str = "HEAD", tries: int = 60) -> Gate:
    """The gate for our own contracts."""
    return Gate(Path(str(FOLDER)), since, tries=tries)
