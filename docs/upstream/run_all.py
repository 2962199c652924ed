"""Runs every reproduction beside this file, on a Kafka of its own unless KAFKA_BOOTSTRAP_SERVERS names one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.local.stack import Stack

HERE = Path(__file__).parent
VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"


@contextmanager
def kafka() -> Iterator[str]:
    """The addresses of a Kafka."""
    if given := os.environ.get(VARIABLE):
        yield given
        return
    with TemporaryDirectory() as folder, Stack.start(Path(folder)) as stack:
        yield stack.kafka.bootstrap_servers


def main() -> int:
    failed = 0
    with kafka() as servers:
        for script in sorted(HERE.glob("*-*.py")):
            sys.stdout.write(f"{script.stem}\n    ")
            sys.stdout.flush()
            done = subprocess.run([sys.executable, script], env={**os.environ, VARIABLE: servers}, check=False)
            failed += done.returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
