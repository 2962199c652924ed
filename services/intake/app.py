"""Puts intake together: the one place where its parts meet."""

from pathlib import Path

from chassis.service import Service
from services.intake.adapters.http import routes
from services.intake.adapters.redaction import redact
from services.intake.adapters.reference import belgian_working_days, read_policies, read_triage
from services.intake.adapters.tables import CASES, LEARNERS, METADATA, VAULT, WORKPLACES
from services.intake.application.handlers import Handlers
from services.intake.settings import IntakeSettings


def build(_: IntakeSettings) -> Service:
    """The service, ready to run."""
    return Service(
        name="intake",
        handlers=Handlers(read_triage(), read_policies(), belgian_working_days(), redact),
        mappers=[CASES, VAULT, LEARNERS, WORKPLACES],
        metadata=METADATA,
        migrations=Path(__file__).parent / "migrations",
        routes=routes,
    )
