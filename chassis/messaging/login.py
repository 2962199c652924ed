"""How a client of ours proves to Kafka who it is; without a login, it talks to a Kafka that asks nobody."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka.helpers import create_ssl_context
from faststream.security import BaseSecurity, SASLScram512


@dataclass(frozen=True)
class Login:
    """A user of Kafka. SCRAM-SHA-512 is the one mechanism that we use."""

    username: str
    password: str = field(repr=False)
    tls: bool = True
    """Off only where the way to Kafka stays on this machine."""
    ca_file: Path | None = None
    """Who signs the certificates of Kafka; without it, whoever this machine trusts."""


def client_arguments(login: Login | None) -> dict[str, Any]:
    """The keyword arguments of a client of aiokafka."""
    if login is None:
        return {}
    return {
        "security_protocol": "SASL_SSL" if login.tls else "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": login.username,
        "sasl_plain_password": login.password,
        "ssl_context": _ssl_context(login),
    }


def broker_security(login: Login | None) -> BaseSecurity | None:
    """The same for a broker of FastStream."""
    if login is None:
        return None
    return SASLScram512(login.username, login.password, use_ssl=login.tls, ssl_context=_ssl_context(login))


def _ssl_context(login: Login) -> Any:
    return create_ssl_context(cafile=login.ca_file and str(login.ca_file)) if login.tls else None
