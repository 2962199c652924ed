"""The passwords of the users of one Kafka: made here, kept in one file, never printed."""

import json
import secrets
import threading
from pathlib import Path

from deploy.local import files


class Passwords:
    """A file that only its owner may read. A user's password is made when it is first asked for."""

    def __init__(self, file: Path) -> None:
        self.file = file
        # Services start beside each other, and each asks for its own.
        self._lock = threading.Lock()

    def of(self, user: str) -> str:
        """The password of a user."""
        with self._lock:
            known = self._read()
            if user not in known:
                known[user] = secrets.token_urlsafe(24)
                files.write(self.file, json.dumps(known, indent=2))
            return known[user]

    def _read(self) -> dict[str, str]:
        if not self.file.exists():
            return {}
        known: dict[str, str] = json.loads(self.file.read_text())
        return known
