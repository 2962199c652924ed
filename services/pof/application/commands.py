"""What can be asked of pof: the bodies of its HTTP requests. A field that is not here is refused by name."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from contracts.vocabulary import Code, EducationType, InstitutionNumber, SoNumber
from services.pof.domain.dossier import natural_key_of

CLOSED = ConfigDict(extra="forbid", frozen=True)
"""A misspelt field is an error, not silence."""

Written = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,40}$")]
"""As somebody types it: the handler explains what is wrong with it."""


class AnnounceDossier(BaseModel):
    """A school tells the forum that it wants to start a dual programme."""

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
        """What no other dossier may be about."""
        return natural_key_of(self.institution, self.site, self.programme, self.school_year)


class Submission(BaseModel):
    """What a school says of its application at AGODI."""

    model_config = CLOSED

    agodi_reference: Code
    submitted_on: date | None = None
    """Empty: today."""


class SubmitDossier(Submission):
    """A school submitted the application of this dossier to AGODI."""

    dossier_id: UUID
