"""`python -m services.pof`."""

from chassis.cli import command_line
from services.pof.app import build
from services.pof.settings import PofSettings

if __name__ == "__main__":
    command_line(PofSettings, build)()
