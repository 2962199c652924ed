"""Writing files so that a crash never leaves half of one."""

import os
from pathlib import Path


def write(path: Path, content: str | bytes) -> None:
    """Replace the file as a whole; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".draft-{os.getpid()}-{path.stem[:40]}")
    draft.touch(mode=0o600)
    draft.write_bytes(content.encode() if isinstance(content, str) else content)
    draft.replace(path)
