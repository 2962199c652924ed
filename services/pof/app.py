"""Puts pof together: handlers, projections, HTTP routes, tables and reference data."""

from pathlib import Path

from chassis.service import Service
from contracts.codelists import CodeLists
from services.pof.adapters.http import routes
from services.pof.adapters.reference import read_calendar
from services.pof.adapters.tables import DOSSIERS, LEARNERS, WORKPLACES
from services.pof.application.handlers import Handlers
from services.pof.projections.learner import SEARCHING_LEARNERS
from services.pof.projections.workplace import REGISTERED_WORKPLACES
from services.pof.settings import PofSettings


def build(_: PofSettings) -> Service:
    """The service, ready to run."""
    return Service(
        name="pof",
        handlers=Handlers(calendar=read_calendar(), code_lists=CodeLists.read()),
        projections=[REGISTERED_WORKPLACES, SEARCHING_LEARNERS],
        mappers=[DOSSIERS, WORKPLACES, LEARNERS],
        migrations=Path(__file__).parent / "migrations",
        routes=routes,
    )
