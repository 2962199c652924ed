"""What can be set from outside, by environment variables `<SERVICE>_<NAME>`. A misspelt variable is an error."""

import os
from typing import Literal, Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class InvalidSettings(Exception):
    """A variable is missing, unknown or wrong; the message names it."""


class Settings(BaseSettings):
    """What every service needs. A service adds its own and gives the prefix."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    database_url: str
    """postgresql://role:password@host:port/database, of this service alone."""
    kafka_bootstrap_servers: str = "127.0.0.1:9092"
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8000, ge=0, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    batch_size: int = Field(default=500, ge=1, le=5000)
    """Records in one transaction, at most."""
    session_timeout: float = Field(default=10.0, ge=6, le=120)
    """Seconds after which Kafka gives the partitions of a dead process to another."""
    pool_size: int = Field(default=8, ge=2, le=50)
    inbox_days: int = Field(default=45, ge=1)
    """Days for which a handled event is remembered: at least as long as Kafka can deliver it again."""
    dead_letter_days: int = Field(default=30, ge=1)
    """Days for which a closed dead letter is kept."""

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
