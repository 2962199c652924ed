"""Puts referral together: handlers, tables and reference data."""

from pathlib import Path

from chassis.service import Service
from services.referral.adapters.reference import belgian_working_days, read_directory
from services.referral.adapters.tables import REFERRALS
from services.referral.application.handlers import Handlers
from services.referral.settings import ReferralSettings


def build(_: ReferralSettings) -> Service:
    """The service, ready to run."""
    return Service(
        name="referral",
        handlers=Handlers(directory=read_directory(), working_days=belgian_working_days()),
        mappers=[REFERRALS],
        migrations=Path(__file__).parent / "migrations",
    )
