"""The tables of intake's database. Personal data are in `vault` alone; `learners` holds the schools' own codes."""

from sqlalchemy import Index, MetaData

from chassis.persistence.mapper import Mapper
from chassis.persistence.tables import add_chassis_tables
from services.intake.domain.case import Case
from services.intake.domain.learner import Learner
from services.intake.domain.report import Report
from services.intake.domain.vault import VaultEntry
from services.intake.domain.workplace import Workplace

METADATA = MetaData()
add_chassis_tables(METADATA)

CASES = Mapper(Case, "cases", METADATA)
VAULT = Mapper(VaultEntry, "vault", METADATA)
LEARNERS = Mapper(Learner, "learners", METADATA)
WORKPLACES = Mapper(Workplace, "workplaces", METADATA)
REPORTS = Mapper(Report, "reports", METADATA)

Index("learners_school_reference", LEARNERS.table.c.school_reference, unique=True)
