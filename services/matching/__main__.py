"""`python -m services.matching`."""

from chassis.cli import command_line
from services.matching.app import build
from services.matching.settings import MatchingSettings

if __name__ == "__main__":
    command_line(MatchingSettings, build)()
