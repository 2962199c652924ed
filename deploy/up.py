"""The platform that `make up` leaves running, and where its data are."""

from pathlib import Path

from deploy.local.platform import Platform
from deploy.local.stack import Stack

FOLDER = Path(".local")
OPEN = FOLDER / "up"
SECURED = FOLDER / "up-secure"
"""Another folder: the data of a Kafka that asks for logins are of another kind."""


def what_is_up() -> tuple[Path, Platform] | None:
    """The folder and the platform that runs in it."""
    for folder in (OPEN, SECURED):
        if stack := Stack.find(folder):
            return folder, Platform(stack, folder)
    return None
