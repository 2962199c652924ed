"""The secrets that sign webhooks: made here and kept in the file that notifications reads."""

import base64
import json
import secrets
from collections.abc import Iterable
from pathlib import Path

from deploy.local import files


def write_secrets(file: Path, partners: Iterable[str]) -> Path:
    """Make a secret for every partner without one. Existing secrets stay, also both while one is being changed."""
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    made = {partner: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode() for partner in partners}
    files.write(file, json.dumps(made | known, indent=2))
    return file
