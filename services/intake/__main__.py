"""`python -m services.intake`."""

from chassis.cli import command_line
from services.intake.app import build
from services.intake.settings import IntakeSettings

if __name__ == "__main__":
    command_line(IntakeSettings, build)()
