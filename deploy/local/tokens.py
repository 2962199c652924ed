"""The bearer tokens of partners for HTTP: made here and kept in one file; intake gets only their hashes."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from deploy.access.passwords import Passwords
from deploy.local import files


class Tokens:
    """The tokens of one platform, each made when it is first asked for."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "partner-tokens.json"
        self._tokens = Passwords(self.file)

    def of(self, partner: str) -> str:
        """The token of a partner."""
        return self._tokens.of(partner)

    def write_hashes(self, partners: Iterable[str]) -> Path:
        """Write the file that intake reads: per partner the SHA-256 of its token."""
        file = self.file.with_name("partner-token-hashes.json")
        hashes = {partner: hashlib.sha256(self.of(partner).encode()).hexdigest() for partner in partners}
        files.write(file, json.dumps(hashes, indent=2))
        return file
