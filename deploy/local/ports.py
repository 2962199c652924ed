"""Ports of this machine for the servers of a stack: those of the former start, when they are free."""

import random
import socket
from collections.abc import Iterable, Mapping

HOST = "127.0.0.1"
# Below the range for ports of outgoing connections: otherwise, while a server is down, a client that tries to
# reconnect could be given the port of that server.
CANDIDATES = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose(names: Iterable[str], remembered: Mapping[str, int]) -> dict[str, int]:
    """A free port for each name, no two the same."""
    chosen: dict[str, int] = {}
    for name in names:
        port = remembered.get(name) or random.choice(CANDIDATES)
        while port in chosen.values() or not is_free(port):
            port = random.choice(CANDIDATES)
        chosen[name] = port
    return chosen


def first_free(port: int) -> int:
    """This port, or the next one that is free."""
    while not is_free(port):
        port += 1
    return port
