"""The menu: every page of every service that is a place to begin, and who sees it. A link to nowhere is not in it."""

from typing import NamedTuple

from chassis.actors import Actor, UserRole

DESK = frozenset({UserRole.READER, UserRole.OPERATOR, UserRole.COORDINATOR, UserRole.ADMIN})


class Entry(NamedTuple):
    """One link of the menu."""

    label: str
    path: str
    roles: frozenset[UserRole] | None = None
    """Who sees it; None: everybody who is not logged in."""


MENU = (
    Entry("Stel je vraag", "/vraag"),
    Entry("Mijn werk", "/mijn-werk", frozenset(UserRole)),
    Entry("Balie", "/balie", DESK),
    Entry("Inzage", "/balie/inzage", frozenset({UserRole.AUDITOR})),
)


def menu_of(viewer: Actor | None) -> list[Entry]:
    """What this person sees."""
    if viewer is None:
        return [entry for entry in MENU if entry.roles is None]
    return [entry for entry in MENU if entry.roles and viewer.may(*entry.roles)]
