"""What can be set for matching: `MATCHING_*`."""

from pydantic_settings import SettingsConfigDict

from chassis.settings import Settings


class MatchingSettings(Settings):
    """Matching needs nothing beyond what every service needs."""

    model_config = SettingsConfigDict(env_prefix="MATCHING_")
