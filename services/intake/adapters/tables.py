"""The tables of intake's database. Personal data are in `vault` alone; `learners` holds the schools' own codes."""

from chassis.persistence.mapper import Index, Mapper
from services.intake.domain.case import Case
from services.intake.domain.learner import Learner
from services.intake.domain.report import Report
from services.intake.domain.vault import VaultEntry
from services.intake.domain.workplace import Workplace

CASES = Mapper(Case, "cases")
VAULT = Mapper(VaultEntry, "vault")
LEARNERS = Mapper(Learner, "learners", Index("learners_school_reference", ("school_reference",), unique=True))
WORKPLACES = Mapper(Workplace, "workplaces")
REPORTS = Mapper(Report, "reports")
