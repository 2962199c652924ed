"""The tables of intake's database. Personal data are in `vault` alone; `learners` holds the schools' own codes."""

from chassis.persistence.mapper import Index, Mapper
from services.intake.domain.case import Case
from services.intake.domain.learner import Learner
from services.intake.domain.link import CaseLink
from services.intake.domain.report import Report
from services.intake.domain.vault import VaultEntry
from services.intake.domain.workplace import Workplace
from services.intake.projections.referrals import CaseReferral

_DESK = ("due_on", "opened_at", "id", "audience", "subregion", "topics")
"""The order of the desk, and after it what cases are filtered by: they are counted in the index, not in the table."""
CASES = Mapper(
    Case,
    "cases",
    Index("cases_open", _DESK, where="status = 'OPEN'"),
    Index("cases_closed", _DESK, where="status <> 'OPEN'"),
)
CASE_LINKS = Mapper(CaseLink, "case_links", Index("case_links_token_hash", ("token_hash",), unique=True))
CASE_REFERRALS = Mapper(
    CaseReferral,
    "case_referrals",
    Index("case_referrals_case_id", ("case_id",)),
    Index("case_referrals_open", ("case_id",), where="closed_on is null"),
)
VAULT = Mapper(VaultEntry, "vault")
LEARNERS = Mapper(Learner, "learners", Index("learners_school_reference", ("school_reference",), unique=True))
WORKPLACES = Mapper(Workplace, "workplaces")
REPORTS = Mapper(Report, "reports")
