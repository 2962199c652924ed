"""Queries of the register: read directly from the table, without a lock."""

from uuid import UUID

from chassis.handling import NotFound
from chassis.persistence.connection import Pool
from services.pof.adapters.tables import DOSSIERS
from services.pof.domain.dossier import Dossier

_SELECT = f"select {', '.join(field.name for field in DOSSIERS.fields)} from {DOSSIERS.table}"


async def read_dossier(pool: Pool, dossier_id: UUID) -> Dossier:
    """One dossier.

    Raises:
        NotFound: there is none with this id.
    """
    row = await pool.fetchrow(f"{_SELECT} where id = $1", dossier_id)
    if row is None:
        raise NotFound(f"Dossier {dossier_id} kennen we niet. Kijk het nummer na.")
    return DOSSIERS.aggregate(row.values())


async def newest_dossiers(pool: Pool, limit: int) -> list[Dossier]:
    """The dossiers that were announced last, newest day first."""
    rows = await pool.fetch(f"{_SELECT} order by announced_on desc, id limit $1", limit)
    return [DOSSIERS.aggregate(row.values()) for row in rows]
