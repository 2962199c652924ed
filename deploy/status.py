"""What runs of the platform, and how it is: what cannot be measured is None, never 0."""

import json
import math
import urllib.request
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table

from deploy.local.platform import Platform
from deploy.local.server import GivenServer, Server
from deploy.local.supervisor import restarts, supervisor, wanted
from deploy.up import FOLDERS

HTTP_SECONDS = 2.0
READY = "ready"
FIGURES = {
    "records_behind": "duaal_consumer_lag",
    "dead_letters_open": "duaal_dead_letters_open",
    "records_parked": "duaal_parked_records",
    "outbox_unpublished": "duaal_outbox_unpublished",
    "outbox_oldest_seconds": "duaal_outbox_oldest_age_seconds",
}
NOTHING_AS_JSON = json.dumps({"folder": None, "well": False, "parts": []})

Figures = dict[str, float | None]


@dataclass(frozen=True)
class PartStatus:
    """One row: a server, a service, or the supervisor."""

    part: str
    state: str
    """up, down or frozen; given: somebody else runs it."""
    pid: int | None
    address: str | None
    ready: str | None
    """`ready`, or what it waits for; None where it does not say."""
    restarts: int | None
    figures: Figures | None
    """Of a service; other parts have none."""

    @property
    def well(self) -> bool:
        """It is up and ready; a server that somebody else runs is theirs to look after."""
        return self.state == "given" or (self.state == "up" and self.ready == READY)


@dataclass(frozen=True)
class PlatformStatus:
    """All parts of the platform in a folder."""

    folder: Path
    parts: list[PartStatus]

    @property
    def well(self) -> bool:
        """Everything is up and ready."""
        return all(part.well for part in self.parts)

    def as_json(self) -> str:
        """For programs; null is what cannot be measured."""
        parts = [asdict(part) for part in self.parts]
        return json.dumps({"folder": str(self.folder), "well": self.well, "parts": parts}, indent=2)


def status() -> PlatformStatus | None:
    """Of the platform that runs, or that should; None where there is none."""
    for folder in FOLDERS:
        platform = Platform.recorded(folder)
        if platform and (wanted(folder) is not None or any(part.running for part in platform.parts)):
            return _status_of(folder, platform)
    return None


def _status_of(folder: Path, platform: Platform) -> PlatformStatus:
    stack, keeper, counts = platform.stack, supervisor(folder), restarts(folder) or {}
    counted = keeper.answering
    kafka = stack.kafka.brokers
    addresses = dict(zip((broker.name for broker in kafka), stack.kafka.bootstrap_servers.split(","), strict=False))
    admin = urlsplit(stack.postgres.admin_url)
    addresses[stack.postgres.server.name] = f"{admin.hostname}:{admin.port}"
    addresses[stack.mail.server.name] = f"{stack.mail.host}:{stack.mail.port}"
    addresses |= platform.urls
    addresses |= {platform.logins.server.name: platform.logins.issuer, platform.gateway.name: platform.url}

    def row(part: Server) -> PartStatus:
        state, url = _state(part), platform.urls.get(part.name)
        return PartStatus(
            part=part.name,
            state=state,
            pid=part.pid,
            address=addresses.get(part.name),
            ready=_ready(part, url) if state == "up" else None,
            restarts=counts.get(part.name, 0) if counted else None,
            figures=_figures(url if state == "up" else None) if url else None,
        )

    servers: list[Server] = [*kafka, stack.postgres.server, stack.mail.server, *platform.processes, keeper]
    with ThreadPoolExecutor(len(servers)) as threads:
        return PlatformStatus(folder, list(threads.map(row, servers)))


def _state(part: Server) -> str:
    if isinstance(part, GivenServer):
        return "given"
    if part.frozen:
        return "frozen"
    return "up" if part.running else "down"


def _ready(part: Server, url: str | None) -> str:
    if url is None:
        return READY if part.answering else "does not answer"
    try:
        with urllib.request.urlopen(f"{url}/ready", timeout=HTTP_SECONDS):
            return READY
    except HTTPError as error:
        return _waits_for(error.read())
    except (OSError, HTTPException):
        return "does not answer"


def _waits_for(body: bytes) -> str:
    try:
        return f"waits for {', '.join(json.loads(body)['waiting_for'])}"
    except (ValueError, KeyError, TypeError):
        return "not ready, and does not say why"


def _figures(url: str | None) -> Figures:
    """Those of a service that answers; without a URL, or an answer, none is known."""
    try:
        if url is None:
            return dict.fromkeys(FIGURES)
        with urllib.request.urlopen(f"{url}/metrics", timeout=HTTP_SECONDS) as answer:
            return figures_in(answer.read().decode())
    except (OSError, HTTPException, ValueError):
        return dict.fromkeys(FIGURES)


def figures_in(exposition: str) -> Figures:
    """What the metrics of a service say: the sum over its topics; None for what they do not say."""
    samples = defaultdict[str, list[float]](list)
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            samples[sample.name].append(sample.value)
    sums = {figure: sum(samples[metric]) if samples[metric] else None for figure, metric in FIGURES.items()}
    return {figure: None if value is None or math.isnan(value) else value for figure, value in sums.items()}


def table_of(platform: PlatformStatus) -> Table:
    """For a person: one row per part."""
    table = Table(title=f"The platform in {platform.folder}", title_justify="left")
    for heading in ("part", "state", "pid", "address", "ready"):
        table.add_column(heading, overflow="fold")
    for heading in ("behind", "dead letters", "parked", "outbox", "oldest in it", "restarts"):
        table.add_column(heading, justify="right")
    for part in platform.parts:
        cells = [part.part, part.state, _shown(part.pid), part.address or "", part.ready or "?"]
        figures = [""] * len(FIGURES) if part.figures is None else [_figure(*figure) for figure in part.figures.items()]
        table.add_row(*cells, *figures, _shown(part.restarts))
    return table


def _shown(number: int | None) -> str:
    return "?" if number is None else str(number)


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "?"
    return f"{value:.0f} s" if name.endswith("seconds") else f"{value:.0f}"
