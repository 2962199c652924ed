"""The answers to the questions about the register, in SQL."""

from typing import Any
from uuid import UUID

from chassis.handling import NotFound
from chassis.persistence.connection import Pool
from contracts.pof import Evidence
from services.pof.application.queries import WhichDossiers
from services.pof.application.views import DossierView, ShownEvidence

_SELECT = """
select id as dossier_id, institution, site, programme, education_type, school_year, subregion, status, evidence,
       announced_on, submitted_on, agodi_reference, deadline, deadline_kept
from dossiers
"""
_ONE = f"{_SELECT} where id = $1"
_PAGE = f"""
{_SELECT}
where ($1::text is null or institution = $1) and ($2::text is null or programme = $2)
  and ($3::text is null or school_year = $3) and ($4::text is null or subregion = $4)
  and ($5::text is null or status = $5)
  and ($6::uuid is null or (announced_on, id) < (select announced_on, id from dossiers where id = $6))
order by announced_on desc, id desc
limit $7
"""


class PostgresDossierQueries:
    """Reads the dossiers of pof's own database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def dossier(self, dossier_id: UUID) -> DossierView:
        row = await self._pool.fetchrow(_ONE, dossier_id)
        if row is None:
            raise NotFound(f"Dossier {dossier_id} kennen we niet. Kijk het nummer na.")
        return _view(row)

    async def dossiers(self, which: WhichDossiers) -> list[DossierView]:
        wanted = (which.institution, which.programme, which.school_year, which.subregion, which.status)
        return [_view(row) for row in await self._pool.fetch(_PAGE, *wanted, which.after, which.limit)]


def _view(row: Any) -> DossierView:
    evidence = Evidence.model_validate_json(row["evidence"])
    return DossierView(**{**row, "evidence": ShownEvidence.of(evidence)})
