"""The tables of pof's database."""

from sqlalchemy import Index, MetaData

from chassis.persistence.mapper import Mapper
from chassis.persistence.tables import add_chassis_tables
from services.pof.domain.dossier import Dossier
from services.pof.projections.learner import SearchingLearner
from services.pof.projections.workplace import RegisteredWorkplace

METADATA = MetaData()
add_chassis_tables(METADATA)

DOSSIERS = Mapper(Dossier, "dossiers", METADATA)
WORKPLACES = Mapper(RegisteredWorkplace, "registered_workplaces", METADATA)
LEARNERS = Mapper(SearchingLearner, "searching_learners", METADATA)

Index("dossiers_claim", DOSSIERS.table.c.claim, unique=True)
Index("dossiers_institution", DOSSIERS.table.c.institution)
Index("registered_workplaces_area", WORKPLACES.table.c.area)
Index("registered_workplaces_programme", WORKPLACES.table.c.programme)
Index("searching_learners_area", LEARNERS.table.c.area)
Index("searching_learners_programme", LEARNERS.table.c.programme)
