"""The files of a new service, from the templates: their names have placeholders just as their text has."""

from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from deploy.new_service.names import plural

TEMPLATES = Path(__file__).parent / "templates"
SUFFIX = ".jinja"
"""On every template, so that no tool takes one for the file that it becomes."""


def rendered(service: str, aggregate: str) -> dict[Path, str]:
    """The text of every file, by its path in the repository."""
    aggregates = plural(aggregate)
    words = {
        "service": service,
        "Service": service.capitalize(),
        "SERVICE": service.upper(),
        "aggregate": aggregate,
        "Aggregate": aggregate.capitalize(),
        "aggregates": aggregates,
        "AGGREGATES": aggregates.upper(),
    }
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)

    def filled(text: str) -> str:
        return environment.from_string(text).render(words)

    return {
        Path(filled(str(template.relative_to(TEMPLATES)).removesuffix(SUFFIX))): filled(template.read_text())
        for template in sorted(TEMPLATES.rglob(f"*{SUFFIX}"))
    }


def with_topics(manifest: str, topics: Iterable[str]) -> str:
    """The manifest of a partner that may read these topics too; they stand in alphabetical order."""
    lines = manifest.splitlines(keepends=True)
    read = [line for line in lines if line.startswith("  - duaal.")]
    at = lines.index(read[0])
    lines[at : at + len(read)] = sorted({*read, *(f"  - {topic}\n" for topic in topics)})
    return "".join(lines)
