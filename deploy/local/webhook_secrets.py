"""The secrets that webhooks are signed with: made here, kept in one file, which is the one that notifications reads."""

import base64
import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from deploy.local import files


def write_secrets(file: Path, partners: Iterable[str]) -> Path:
    """A secret for every partner that has none yet; those that are there stay, also two while one is being changed."""
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    made = {partner: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode() for partner in partners}
    files.write(file, json.dumps(made | known, indent=2))
    return file
