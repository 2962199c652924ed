"""Which path belongs to which service: the one list from which the configuration of every gateway is made."""

from dataclasses import dataclass

HOME = "intake"
"""Owns the home page and every path that nobody else owns: its page "niet gevonden" answers those."""

PRIVATE = ("/metrics", "/live", "/ready")
"""What each service tells its operators; nobody reads it through the gateway."""


@dataclass(frozen=True)
class Route:
    """All paths that begin so belong to this service: `/sessies` has `/sessies/3` and `/sessies.ics` too."""

    prefix: str
    service: str


PAGES = (
    Route("/vraag", "intake"),
    Route("/werkplek/aanbieden", "intake"),
    Route("/balie", "intake"),
    Route("/mijn-werk", "intake"),
    Route("/aanmelden", "intake"),
    Route("/afmelden", "intake"),
    Route("/static/", "intake"),
    Route("/doorverwijzing", "referral"),
    Route("/d/", "referral"),
    Route("/matching", "matching"),
    Route("/werkplek/", "matching"),
    Route("/voorstel/", "matching"),
    Route("/pof", "pof"),
    Route("/sessies", "notifications"),
    Route("/campagnes", "notifications"),
    Route("/berichten", "notifications"),
    Route("/voorkeuren/", "notifications"),
)


def most_specific_first() -> list[Route]:
    """In the order in which they are tried."""
    return sorted(PAGES, key=lambda route: len(route.prefix), reverse=True)


def api_prefix(service: str) -> str:
    """Under it stand the routes of a service for programs; the service itself does not know of it."""
    return f"/api/{service}"
