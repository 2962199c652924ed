"""The services of the platform: every folder under `services/` with an `app.py`. No other list of them is kept."""

from pathlib import Path

ROOT = Path(__file__).parent.parent


def services_in(root: Path) -> tuple[str, ...]:
    """The names of the services of a repository, in alphabetical order."""
    return tuple(sorted(app.parent.name for app in root.glob("services/*/app.py")))


SERVICES = services_in(ROOT)
