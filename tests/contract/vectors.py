"""The golden vectors of the envelope, as tests use them."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import contracts
from contracts.envelope import Envelope

FOLDER = Path(contracts.__file__).parent / "vectors"
NO_DATA = object()


@dataclass(frozen=True)
class Vector:
    """One record with its content (`envelope` and `data`), or with a word of its refusal."""

    name: str
    key: bytes
    headers: list[tuple[str, bytes | None]]
    value: bytes | None
    written_by_us: bool = False
    envelope: Envelope | None = None
    data: Any = NO_DATA
    refused: str = ""

    @property
    def structured(self) -> bool:
        return self.name.startswith("structured")


def vectors(kind: Literal["valid", "invalid"]) -> dict[str, Vector]:
    """Every vector of a kind, by name."""
    return {file.stem: _vector(file) for file in sorted((FOLDER / kind).iterdir())}


def _vector(file: Path) -> Vector:
    written = json.loads(file.read_text())
    return Vector(
        name=file.stem,
        key=written["key"].encode(),
        headers=[(name, _bytes(text)) for name, text in written["headers"]],
        value=_bytes(written["value"]),
        written_by_us=written.get("written_by_us", False),
        envelope=_envelope(written["event"]) if "event" in written else None,
        data=written.get("data", NO_DATA),
        refused=written.get("refused", ""),
    )


def _bytes(written: str | dict[str, str] | None) -> bytes | None:
    match written:
        case None:
            return None
        case str():
            return written.encode()
        case {"base64": text}:
            return base64.b64decode(text)
    raise TypeError(f"{written} is neither a text nor null nor base64")


def _envelope(written: dict[str, Any]) -> Envelope:
    given = dict(written)
    for name in {"time", "recordedtime"} & given.keys():
        given[name] = datetime.fromisoformat(given[name])
    return Envelope(**given)
