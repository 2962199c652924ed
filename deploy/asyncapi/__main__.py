"""`python -m deploy.asyncapi`: generate every document of the contracts."""

import sys
from pathlib import Path

import contracts
from deploy.asyncapi.document import text_of
from deploy.asyncapi.views import documents

FOLDER = Path(contracts.__file__).parent / "asyncapi"


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    found = documents()
    for name, one in found.items():
        (FOLDER / f"{name}.yaml").write_text(text_of(one))
    sys.stdout.write(f"{len(found)} documents in {FOLDER}\n")


if __name__ == "__main__":
    main()
