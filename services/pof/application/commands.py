"""The bodies of pof's HTTP requests. A field that is not defined here is refused, and the answer names it."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from contracts.vocabulary import Code, EducationType, InstitutionNumber, SoNumber
from services.pof.domain.dossier import natural_key_of

CLOSED = ConfigDict(extra="forbid", frozen=True)
"""Unknown fields are refused, so that a misspelt field is not silently ignored."""

Written = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,40}$")]
"""A text as somebody typed it. The handler checks it further, because it can explain what is wrong."""


class AnnounceDossier(BaseModel):
    """A school announces to the forum that it wants to start a dual programme."""

    model_config = CLOSED

    institution: InstitutionNumber
    site: Code
    """The vestigingsplaats where the lessons will be."""
    programme: SoNumber
    education_type: EducationType
    school_year: Written
    """The first school year of the programme, as 2027-2028."""

    @property
    def natural_key(self) -> str:
        """What no two dossiers may have in common."""
        return natural_key_of(self.institution, self.site, self.programme, self.school_year)


class Submission(BaseModel):
    """What a school reports about its application at AGODI."""

    model_config = CLOSED

    agodi_reference: Code
    submitted_on: date | None = None
    """Empty: today."""


class SubmitDossier(Submission):
    """A school submitted the application of this dossier to AGODI."""

    dossier_id: UUID
