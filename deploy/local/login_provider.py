"""The login provider of a platform as a process, and tokens from it for programs."""

import json
import sys
import time
import urllib.request
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from deploy.access.passwords import Passwords
from deploy.local.ports import HOST
from deploy.local.process import ProcessServer
from deploy.login.accounts import clients

NAME = "login"
RENEWED = 60.0
"""Seconds before it expires, a token is replaced."""


class Logins:
    """The provider of one platform: its address, its process, and the tokens that it gives to programs."""

    def __init__(self, directory: Path, home: Path, port: int, public_url: str) -> None:
        """The key and the secrets stay in `directory`, so that both outlive a restart."""
        self.issuer = f"http://{HOST}:{port}"
        self._key = directory / "login-key.json"
        self._secrets = Passwords(directory / "client-secrets.json")
        self._tokens: dict[str, tuple[str, float]] = {}
        self.server = ProcessServer(
            NAME, home, port, command=partial(self._command, port, public_url), answers=partial(_answers, self.issuer)
        )

    @property
    def secrets(self) -> Path:
        """The file with the secret of each program."""
        return self._secrets.file

    def secret_of(self, client: str) -> str:
        """The client secret of a program."""
        return self._secrets.of(client)

    def token_of(self, client: str) -> str:
        """An access token of a program, by client credentials; the same one until shortly before it expires."""
        token, until = self._tokens.get(client, ("", 0.0))
        if time.monotonic() < until:
            return token
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": self.secret_of(client)}
        with urllib.request.urlopen(f"{self.issuer}/token", urlencode(form).encode(), timeout=10) as answer:
            granted = json.load(answer)
        token = str(granted["access_token"])
        self._tokens[client] = (token, time.monotonic() + granted["expires_in"] - RENEWED)
        return token

    def _command(self, port: int, public_url: str) -> list[str]:
        for client in clients():
            self.secret_of(client)
        addresses = ("--port", str(port), "--public-url", public_url)
        return [
            *(sys.executable, "-m", "deploy.login", *addresses),
            *("--key", str(self._key), "--secrets", str(self._secrets.file)),
        ]


def _answers(issuer: str) -> bool:
    try:
        with urllib.request.urlopen(f"{issuer}/jwks", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
