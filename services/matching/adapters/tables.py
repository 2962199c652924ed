"""The tables of matching's database."""

from sqlalchemy import Index, MetaData

from chassis.persistence.mapper import Mapper
from chassis.persistence.tables import add_chassis_tables
from services.matching.domain.agreement import Agreement
from services.matching.domain.learner_search import LearnerSearch
from services.matching.domain.workplace import Workplace

METADATA = MetaData()
add_chassis_tables(METADATA)

LEARNER_SEARCHES = Mapper(LearnerSearch, "learner_searches", METADATA)
WORKPLACES = Mapper(Workplace, "workplaces", METADATA)
AGREEMENTS = Mapper(Agreement, "agreements", METADATA)

# Whoever comes looks for the other side by programme.
Index("learner_searches_programme", LEARNER_SEARCHES.table.c.programme)
Index("workplaces_programme", WORKPLACES.table.c.programme)
# A search looks for the agreements of its learner.
Index("agreements_learner_id", AGREEMENTS.table.c.learner_id)
