"""What can be set from outside, by environment variables `<SERVICE>_<NAME>`. A misspelt variable is an error."""

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.login import Login


class InvalidSettings(Exception):
    """A variable is missing, unknown or wrong; the message names it."""


class Settings(BaseSettings):
    """What every service needs. A service adds its own and gives the prefix."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    database_url: str
    """postgresql://role:password@host:port/database, of this service alone."""
    kafka_bootstrap_servers: str = "127.0.0.1:9092"
    kafka_username: str | None = None
    """Its user, where Kafka asks for a login (SCRAM-SHA-512)."""
    kafka_password: SecretStr | None = Field(default=None, validate_default=True)
    kafka_tls: bool = True
    """Whether the way of a login is encrypted; off only where Kafka is on the same machine."""
    kafka_ca_file: Path | None = None
    """Who signs the certificates of Kafka, in PEM; without it, whoever this machine trusts."""
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=0, le=65535)
    gateway_addresses: str = "127.0.0.1"
    """From which addresses the gateway speaks to us, with commas: only it is believed about whom it speaks for."""
    public_url: str = "http://127.0.0.1:8080"
    """The one address under which people find all services, without a slash at its end."""
    oidc_issuer: str | None = None
    """The OpenID Connect provider where people sign in and programs get their tokens; without one, nobody can."""
    oidc_client_id: str = "duaal-west"
    """How the provider knows the platform, and the audience of every token: a public client, with PKCE, no secret."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    batch_size: int = Field(default=500, ge=1, le=5000)
    """Records in one transaction, at most."""
    session_timeout: float = Field(default=10.0, ge=6, le=120)
    """Seconds after which Kafka gives the partitions of a dead process to another."""
    poll_interval: float = Field(default=300.0, ge=10, le=3600)
    """Seconds that a batch may take; after that Kafka gives the partitions of a process that lives to another too."""
    pool_size: int = Field(default=8, ge=2, le=50)
    inbox_days: int = Field(default=45, ge=1)
    """Days for which a handled event is remembered: at least as long as Kafka can deliver it again."""
    dead_letter_days: int = Field(default=30, ge=1)
    """Days for which a closed dead letter is kept."""

    @property
    def kafka_login(self) -> Login | None:
        """How the service logs in to Kafka."""
        if self.kafka_username is None or self.kafka_password is None:
            return None
        return Login(self.kafka_username, self.kafka_password.get_secret_value(), self.kafka_tls, self.kafka_ca_file)

    @field_validator("kafka_password")
    @classmethod
    def _comes_with_a_username(cls, password: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        if (password is None) != (others.data.get("kafka_username") is None):
            raise ValueError("a user name and a password come together")
        return password

    @classmethod
    def read(cls) -> Self:
        """The settings of the environment.

        Raises:
            InvalidSettings: what is wrong, in one sentence per variable.
        """
        prefix = cls.model_config["env_prefix"]
        known = {f"{prefix}{name}".upper() for name in cls.model_fields}
        unknown = sorted(name for name in os.environ if name.startswith(prefix) and name not in known)
        if unknown:
            raise InvalidSettings(f"unknown variable {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        try:
            return cls()
        except ValidationError as error:
            lines = [f"{prefix}{line['loc'][0]}".upper() + f": {line['msg']}" for line in error.errors()]
            raise InvalidSettings("; ".join(lines)) from None
