"""What can be set for intake: `INTAKE_*`."""

from pydantic_settings import SettingsConfigDict

from chassis.settings import Settings


class IntakeSettings(Settings):
    """Intake needs nothing beyond what every service needs."""

    model_config = SettingsConfigDict(env_prefix="INTAKE_")
