"""The facts that pof publishes: the life of a programmatieaanvraag before the overlegforum and at AGODI."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.event import Event, event
from contracts.vocabulary import (
    Code,
    DossierId,
    EducationType,
    InstitutionNumber,
    SchoolYear,
    SoNumber,
    Subregion,
)


class Evidence(BaseModel):
    """What the platform knew of demand and supply for the programme in the subregion on a day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    counted_on: date
    workplaces_registered: Annotated[int, Field(ge=0)]
    open_positions: Annotated[int, Field(ge=0)]
    learners_searching: Annotated[int, Field(ge=0)]


@event("be.duaalwest.pof.ProgrammatieAnnounced.v1", topic="duaal.pof.dossiers", key="dossier_id")
class ProgrammatieAnnounced(Event):
    """A school told the forum that it wants to start a dual programme."""

    dossier_id: DossierId
    institution: InstitutionNumber
    site: Code
    programme: SoNumber
    education_type: EducationType
    school_year: SchoolYear
    """The first school year of the programme."""
    subregion: Subregion
    evidence: Evidence
    announced_on: date


@event("be.duaalwest.pof.ProgrammatieSubmitted.v1", topic="duaal.pof.dossiers", key="dossier_id")
class ProgrammatieSubmitted(Event):
    """The school submitted the application to AGODI."""

    dossier_id: DossierId
    institution: InstitutionNumber
    site: Code
    programme: SoNumber
    education_type: EducationType
    school_year: SchoolYear
    subregion: Subregion
    agodi_reference: Code
    submitted_on: date
    deadline: date | None = None
    """Absent when the calendar has no deadline for this school year yet."""
    deadline_kept: bool | None = None
    evidence: Evidence
