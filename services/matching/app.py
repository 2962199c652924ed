"""Puts matching together: handlers, tables and reference data."""

from pathlib import Path

from chassis.service import Service
from contracts.codelists.institutions import Institutions
from contracts.codelists.places import Places
from services.matching.adapters.reference import read_rulebook
from services.matching.adapters.tables import AGREEMENTS, LEARNER_SEARCHES, WORKPLACES
from services.matching.application.handlers import Handlers
from services.matching.settings import MatchingSettings


def build(_: MatchingSettings) -> Service:
    """The service, ready to run."""
    return Service(
        name="matching",
        handlers=Handlers(rulebook=read_rulebook(Institutions.read(), Places.read())),
        mappers=[LEARNER_SEARCHES, WORKPLACES, AGREEMENTS],
        migrations=Path(__file__).parent / "migrations",
    )
