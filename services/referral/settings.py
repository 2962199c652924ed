"""What can be set for referral: `REFERRAL_*`."""

from pydantic_settings import SettingsConfigDict

from chassis.settings import Settings


class ReferralSettings(Settings):
    """Referral needs nothing beyond what every service needs."""

    model_config = SettingsConfigDict(env_prefix="REFERRAL_")
