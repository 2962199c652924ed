"""A dossier as pof's HTTP answers show it."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.pof import Evidence
from contracts.vocabulary import EducationType, Subregion
from services.pof.domain.dossier import Dossier, Status

SMALLEST_GROUP = 5
"""A number of learners below this is not shown, because it may identify one of them."""


FROZEN = ConfigDict(frozen=True)


class ShownEvidence(BaseModel):
    """Demand and supply, without small numbers of learners."""

    model_config = FROZEN

    counted_on: date
    workplaces_registered: int
    open_positions: int
    learners_searching: str
    """A number, or `<5`."""

    @classmethod
    def of(cls, evidence: Evidence) -> "ShownEvidence":
        """Show evidence without small groups of learners."""
        searching = evidence.learners_searching
        return cls(
            counted_on=evidence.counted_on,
            workplaces_registered=evidence.workplaces_registered,
            open_positions=evidence.open_positions,
            learners_searching=str(searching) if searching >= SMALLEST_GROUP else f"<{SMALLEST_GROUP}",
        )


class DossierView(BaseModel):
    """A dossier. `deadline` and `deadline_kept` are empty as long as the deadline is not known."""

    model_config = FROZEN

    dossier_id: UUID
    institution: str
    site: str
    programme: str
    education_type: EducationType
    school_year: str
    subregion: Subregion
    status: Status
    evidence: ShownEvidence
    announced_on: date
    submitted_on: date | None
    agodi_reference: str | None
    deadline: date | None
    deadline_kept: bool | None

    @classmethod
    def of(cls, dossier: Dossier) -> "DossierView":
        """Show a dossier."""
        return cls(
            dossier_id=dossier.id,
            institution=dossier.institution,
            site=dossier.site,
            programme=dossier.programme,
            education_type=dossier.education_type,
            school_year=dossier.school_year,
            subregion=dossier.subregion,
            status=dossier.status,
            evidence=ShownEvidence.of(dossier.evidence),
            announced_on=dossier.announced_on,
            submitted_on=dossier.submitted_on,
            agodi_reference=dossier.agodi_reference,
            deadline=dossier.deadline,
            deadline_kept=dossier.deadline_kept,
        )
