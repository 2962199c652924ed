"""Answers the questions of `application/queries.py` in plain SQL: read only, without a lock, and never from the vault.

PostgreSQL gives each row as one JSON object, with the names of the view that is made of it.
"""

from collections.abc import Collection
from datetime import date, timedelta
from uuid import UUID

from pydantic import TypeAdapter

from chassis.persistence.audit import audit_about
from chassis.persistence.connection import Connection, Pool
from services.intake.application.queries import (
    ROWS_A_PAGE,
    AuditView,
    CaseView,
    DeskCounts,
    DeskFilter,
    DeskPage,
    DeskRow,
    LinkedCase,
    Waiting,
    Which,
)

_DESK_ROW = TypeAdapter(DeskRow)
_CASE_VIEW = TypeAdapter(CaseView)

_OPEN, _CLOSED = "status = 'OPEN'", "status <> 'OPEN'"
_WITH_PARTNER = """id in (
    select case_id from case_referrals
    where closed_on is null and (acknowledged_on is not null or kind in ('WARM', 'HANDOVER', 'CONSULT'))
)"""
_IN_LIST = {
    Which.TODAY: _OPEN,
    Which.LATE: _OPEN,
    Which.OPEN: _OPEN,
    Which.WITH_PARTNER: f"{_OPEN} and {_WITH_PARTNER}",
    Which.CLOSED: _CLOSED,
}
_FITS = """
    ($2::text is null or topics @> to_jsonb($2::text))
    and ($3::text is null or audience = $3)
    and ($4::text is null or subregion = $4)
"""
_DUE = """
    count(*) filter (where due_on <= $1) as today,
    count(*) filter (where due_on < $1) as late,
    count(*) as open
"""

# Open and closed cases are counted apart, so that each is one scan of its own index, without the table.
_COUNTS = f"""
    select * from
        (select {_DUE}, count(*) filter (where {_WITH_PARTNER}) as with_partner from cases where {_OPEN} and {_FITS}) o,
        (select count(*) as closed from cases where {_CLOSED} and {_FITS}) c
"""
_WAITING = f"select {_DUE} from cases where {_OPEN}"

_REFERRALS = """
    select id as referral_id, * from case_referrals where case_id = cases.id order by created_at desc, id
"""
# The page is cut out first: a late page would otherwise look up the referrals of all cases before it.
_ROWS = f"""
    select to_jsonb(found) from (
        select
            id as case_id, questions -> 0 -> 'id' as question_id, jsonb_array_length(questions) as questions, topics,
            questions -> -1 -> 'channel' as channel, audience, age_band, subregion, opened_at, due_on, status,
            (select to_jsonb(newest) from ({_REFERRALS} limit 1) newest) as referral
        from (
            select * from cases where {{in_list}} and due_on <= $1 and {_FITS}
            order by due_on, opened_at, id limit {ROWS_A_PAGE} offset $5
        ) cases
        order by due_on, opened_at, id
    ) found
"""
_CASE = f"""
    select to_jsonb(found) from (
        select id as case_id, *, array(select to_jsonb(one) from ({_REFERRALS}) one) as referrals
        from cases where id = $1
    ) found
"""
_LINK = """
    select id, case_id from case_links where token_hash = $1 and $2 <= expires_on and withdrawn_on is null
"""


class SqlCaseQueries:
    """The queries of cases, over intake's own tables."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def desk(self, wanted: DeskFilter, on: date, page: int = 1) -> DeskPage:
        """One page of the desk; its rows and its numbers are of the same moment."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            (counted,) = await connection.fetch(_COUNTS, on, *_values(wanted))
            counts = DeskCounts(*counted)
            total = counts.of(wanted.which)
            pages = max(1, -(-total // ROWS_A_PAGE))
            page = min(max(1, page), pages)
            return DeskPage(await _rows(connection, wanted, on, page), total, page, pages, counts)

    async def case(self, case_id: UUID) -> CaseView | None:
        """One case."""
        found = await self._pool.fetchval(_CASE, case_id)
        return _CASE_VIEW.validate_json(found) if found else None

    async def case_of_link(self, token_hash: str, on: date) -> LinkedCase | None:
        """The case behind a private link that works on that day."""
        found = await self._pool.fetchrow(_LINK, token_hash, on)
        return LinkedCase(*found) if found else None

    async def waiting(self, on: date) -> Waiting:
        """How much is to be done."""
        (counted,) = await self._pool.fetch(_WAITING, on)
        return Waiting(*counted)


async def _rows(connection: Connection, wanted: DeskFilter, on: date, page: int) -> tuple[DeskRow, ...]:
    sql = _ROWS.format(in_list=_IN_LIST[wanted.which])
    found = await connection.fetch(sql, _last_day(wanted.which, on), *_values(wanted), (page - 1) * ROWS_A_PAGE)
    return tuple(_DESK_ROW.validate_json(row) for (row,) in found)


def _values(wanted: DeskFilter) -> tuple[str | None, ...]:
    return wanted.topic, wanted.audience, wanted.subregion


def _last_day(which: Which, on: date) -> date:
    """The last due date of a list."""
    return {Which.TODAY: on, Which.LATE: on - timedelta(days=1)}.get(which, date.max)


class SqlAuditQueries:
    """Reads the audit that the executor and the vault write."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def about(self, ids: Collection[UUID]) -> list[AuditView]:
        rows = await audit_about(self._pool, ids)
        return [AuditView(row.at, row.actor, row.way, row.roles, row.action, row.about) for row in rows]
