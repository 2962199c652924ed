"""What can be set for pof: `POF_*`."""

from pydantic_settings import SettingsConfigDict

from chassis.settings import Settings


class PofSettings(Settings):
    """Pof needs nothing beyond what every service needs."""

    model_config = SettingsConfigDict(env_prefix="POF_")
