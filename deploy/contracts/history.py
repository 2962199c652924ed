"""The recorded versions in git. A committed version is released and must not change."""

import re
import subprocess
from pathlib import Path

_VERSION_FILE = re.compile(r"[^/]+/[0-9]+\.(writer|reader)\.json")


def committed(folder: Path, since: str = "HEAD") -> set[str] | None:
    """Version files (`<type>/<n>.writer.json`) that a commit holds; None when git gives no answer."""
    return _git(folder, "ls-tree", "-r", "--name-only", since, ".")


def altered(folder: Path, since: str = "HEAD") -> set[str]:
    """Version files of a commit that are now different or missing; empty when git gives no answer."""
    return (
        _git(folder, "diff", "--name-only", "--no-renames", "--relative", "--diff-filter=MD", since, "--", ".") or set()
    )


def _git(folder: Path, *arguments: str) -> set[str] | None:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    return {name for name in done.stdout.splitlines() if _VERSION_FILE.fullmatch(name)}
