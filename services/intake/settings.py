"""What can be set for intake: `INTAKE_*`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import Settings


class IntakeSettings(Settings):
    """Without `partners` no partner message is accepted; without `partner_tokens` none is accepted over HTTP."""

    model_config = SettingsConfigDict(env_prefix="INTAKE_")

    partners: Path | None = None
    """Folder of manifests, one per partner."""
    partner_tokens: Path | None = None
    """JSON file: per partner the SHA-256, in hexadecimal, of the bearer token that it uses over HTTP."""
    questions_per_address: int = Field(default=60, ge=1)
    """Questions that the public form takes from one address in ten minutes: a classroom fits in."""
    questions_in_all: int = Field(default=600, ge=1)
    """Questions that the public form takes in one minute."""
