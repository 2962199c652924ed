"""How clients of aiokafka and FastStream log in to Kafka."""

from typing import Any

from aiokafka.helpers import create_ssl_context
from faststream.security import BaseSecurity, SASLScram512

from chassis.login import Login


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
