"""The tables of matching's database."""

from chassis.persistence.mapper import Index, Mapper
from services.matching.domain.agreement import Agreement
from services.matching.domain.learner_search import LearnerSearch
from services.matching.domain.workplace import Workplace

# A new workplace loads the searches of its programme, and a new search the workplaces.
LEARNER_SEARCHES = Mapper(LearnerSearch, "learner_searches", Index("learner_searches_programme", ("programme",)))
WORKPLACES = Mapper(Workplace, "workplaces", Index("workplaces_programme", ("programme",)))
# A search loads the agreements of its learner.
AGREEMENTS = Mapper(Agreement, "agreements", Index("agreements_learner_id", ("learner_id",)))
