"""`python -m services.referral`."""

from chassis.cli import command_line
from services.referral.app import build
from services.referral.settings import ReferralSettings

if __name__ == "__main__":
    command_line(ReferralSettings, build)()
