"""Commands to pof with defaults, of which a test gives only what it is about."""

from datetime import UTC, date, datetime
from typing import Any

from chassis.handling import MessageContext
from chassis.testing.builders import a_context
from chassis.testing.scenario import Scenario
from services.pof.app import build
from services.pof.application.commands import AnnounceDossier, SubmitDossier
from services.pof.domain.dossier import Dossier
from services.pof.settings import PofSettings


def pof() -> Scenario:
    """Pof with its own reference data, and its projections."""
    service = build(PofSettings(database_url="unused"))
    return Scenario(service.handlers, service.projections)


def an_announcement(**given: Any) -> AnnounceDossier:
    """VTI Brugge wants to start electrical installations (88)."""
    return AnnounceDossier(
        **{
            "institution": "34074",
            "site": "brugge-1",
            "programme": "88",
            "education_type": "gewoon",
            "school_year": "2027-2028",
        }
        | given
    )


def a_submission_of(dossier: Dossier, **given: Any) -> SubmitDossier:
    """The application was submitted to AGODI."""
    return SubmitDossier(**{"dossier_id": dossier.id, "agodi_reference": "AGODI-2026-1"} | given)


def the_dossier(scenario: Scenario) -> Dossier:
    """The only dossier."""
    (dossier,) = scenario.all(Dossier)
    assert isinstance(dossier, Dossier)
    return dossier


def on(day: date) -> MessageContext:
    """The context of a message at ten o'clock UTC on this day."""
    return a_context(at=datetime(day.year, day.month, day.day, 10, tzinfo=UTC))
