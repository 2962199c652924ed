"""Which names a new service and its aggregate may have: topics, a database, modules and classes are named by them."""

import keyword
import re
import sys

from deploy.services import ROOT, SERVICES

CONTRACTS = ROOT / "contracts"
LETTERS = re.compile("[a-z]{2,20}")
"""No digits and no _, which the type of an event cannot have; not longer, because Alembic has a limit."""
TAKEN = {"each", "none", "postgres", "public"}
"""Of PostgreSQL's roles and of `make demo KILL=...`."""
TAKEN_IN_THE_CODE = {"event", "handlers", "health", "mapper", "metrics", "scenario", "service", "timer"}
"""A class of the chassis that the same modules import, or a table of the chassis."""


class RefusedName(Exception):
    """Why nothing can be called so, in one sentence."""


def check_service(name: str) -> None:
    """Raises RefusedName."""
    _check_word(name, "a service")
    if name in SERVICES:
        raise RefusedName(f"There is a service {name} already.")
    if (CONTRACTS / f"{name}.py").exists() or (CONTRACTS / name).exists():
        raise RefusedName(f"The contracts have a module {name} already, so no service can publish its events there.")
    if name in sys.stdlib_module_names:
        raise RefusedName(f"{name} is a module of Python itself: choose another name for the service.")
    if name in TAKEN:
        raise RefusedName(f"{name} means something else to PostgreSQL or to `make demo`: choose another name.")


def check_aggregate(name: str) -> None:
    """Raises RefusedName."""
    _check_word(name, "an aggregate")
    if name in TAKEN_IN_THE_CODE:
        raise RefusedName(f"{name} is a class or a table of the chassis: choose another name for the aggregate.")


def plural(name: str) -> str:
    """Of which one aggregate is one: the name of its table, its route and its topic."""
    if re.search("[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}es" if re.search("(s|x|z|ch|sh)$", name) else f"{name}s"


def _check_word(name: str, what: str) -> None:
    if not LETTERS.fullmatch(name):
        raise RefusedName(f"{name!r} cannot name {what}: two to twenty letters from a to z, and nothing else.")
    if keyword.iskeyword(name):
        raise RefusedName(f"{name} is a word of Python's own language: it cannot name {what}.")
