"""The one way to read the vault: the same statement that reads it writes the audit, so there is no reading without."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.actors import Actor
from chassis.persistence.audit import AuditRow, audit_insert
from chassis.persistence.connection import Pool
from chassis.persistence.statement import Parameters
from services.intake.application.disclosures import ContactView, Reading


class AuditedVault:
    """The table `vault`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def words(self, ids: Collection[UUID], actor: Actor, at: datetime) -> Mapping[UUID, str]:
        """What people wrote, by id of the question."""
        rows = await self._read("id, words", ids, Reading.WORDS, actor, at)
        return {row["id"]: row["words"] or "" for row in rows}

    async def contacts(self, ids: Collection[UUID], actor: Actor, at: datetime) -> list[ContactView]:
        """How they can be reached, in the order of the ids."""
        rows = await self._read("id, person, email, phone, organisation", ids, Reading.CONTACT, actor, at)
        by_id = {row["id"]: ContactView(*row) for row in rows}
        return [by_id[id_] for id_ in ids if id_ in by_id]

    async def _read(
        self, columns: str, ids: Collection[UUID], reading: Reading, actor: Actor, at: datetime
    ) -> list[Any]:
        if not ids:
            return []
        parameters = Parameters()
        wanted = parameters.add([*ids])
        noted = audit_insert([AuditRow.of(actor, reading, id_, at) for id_ in ids], parameters)
        return await self._pool.fetch(
            f"with noted as ({noted}) select {columns} from vault where id = any({wanted}::uuid[])", *parameters.values
        )
