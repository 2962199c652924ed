"""`duaal-contracts`: what a partner runs before sending anything."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from contracts.verify import Verified, verify


def main() -> None:
    """Entry point. Exit code 0: every message is valid; 1: at least one is not; 2: there is nothing to read."""
    parser = argparse.ArgumentParser(
        "duaal-contracts", description="Checks events against the contracts of Duaal West."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("verify", help="say what is wrong with each message of a file")
    command.add_argument("file", help="one CloudEvent in structured JSON per line; - reads standard input")
    file = parser.parse_args().file
    try:
        lines = sys.stdin.buffer.readlines() if file == "-" else Path(file).read_bytes().splitlines()
    except OSError as error:
        parser.exit(2, f"{file} cannot be read: {error.strerror}.\n")
    sys.exit(_report(list(verify(lines))))


def _report(verified: list[Verified]) -> int:
    if not verified:
        sys.stderr.write("There is no message in it.\n")
        return 2
    for line in verified:
        for finding in line.findings:
            place = f", {finding.path}" if finding.path else ""
            sys.stdout.write(f"line {line.number}{place}: {finding.says}  [{finding.rule}]\n")
    wrong = sum(bool(line.findings) for line in verified)
    rules = Counter(finding.rule for line in verified for finding in line.findings)
    per_rule = f" ({', '.join(f'{rule} {count}' for rule, count in rules.most_common())})" if rules else ""
    sys.stdout.write(f"{len(verified) - wrong} good, {wrong} wrong{per_rule}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
