"""What may be asked about the register. Nobody who asks changes or locks anything."""

from typing import Annotated, Protocol
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.vocabulary import InstitutionNumber, SoNumber, Subregion
from services.pof.application.commands import CLOSED, Written
from services.pof.application.views import DossierView
from services.pof.domain.dossier import Status


class WhichDossiers(BaseModel):
    """One page of the dossiers that fit all that is given, those announced last first."""

    model_config = CLOSED

    institution: InstitutionNumber | None = None
    programme: SoNumber | None = None
    school_year: Written | None = None
    subregion: Subregion | None = None
    status: Status | None = None
    after: UUID | None = None
    """The last dossier of the page before this one."""
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class DossierQueries(Protocol):
    """The questions."""

    async def dossier(self, dossier_id: UUID) -> DossierView:
        """One dossier.

        Raises:
            NotFound: there is none with this id.
        """
        ...

    async def dossiers(self, which: WhichDossiers) -> list[DossierView]:
        """One page; the next one is `after` the last dossier of it, until it is empty."""
        ...
