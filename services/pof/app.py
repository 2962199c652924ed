"""Puts pof together: handlers, HTTP routes, tables and reference data."""

from pathlib import Path

from chassis.service import Service
from contracts.codelists import CodeLists
from services.pof.adapters.http import routes
from services.pof.adapters.reference import read_calendar
from services.pof.adapters.tables import DOSSIERS, LEARNERS, WORKPLACES
from services.pof.application.handlers import Handlers
from services.pof.settings import PofSettings


def build(_: PofSettings) -> Service:
    """The service, ready to run."""
    return Service(
        name="pof",
        handlers=Handlers(calendar=read_calendar(), code_lists=CodeLists.read()),
        mappers=[DOSSIERS, WORKPLACES, LEARNERS],
        migrations=Path(__file__).parent / "migrations",
        routes=routes,
    )
