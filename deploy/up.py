"""The platform that `make up` leaves running, and the folder of its data."""

from pathlib import Path

from deploy.local.platform import Platform
from deploy.local.stack import Stack

FOLDER = Path(".local")
OPEN = FOLDER / "up"
SECURED = FOLDER / "up-secure"
"""A separate folder: the data of a Kafka with logins cannot be used without logins."""


def what_is_up() -> tuple[Path, Platform] | None:
    """The platform that is running, with its folder."""
    for folder in (OPEN, SECURED):
        if stack := Stack.find(folder):
            return folder, Platform(stack, folder)
    return None
