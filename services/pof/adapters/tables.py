"""The tables of pof's database."""

from chassis.persistence.mapper import Index, Mapper
from services.pof.domain.dossier import Dossier
from services.pof.projections.learner import SearchingLearner
from services.pof.projections.workplace import RegisteredWorkplace

DOSSIERS = Mapper(
    Dossier,
    "dossiers",
    Index("dossiers_natural_key", ("natural_key",), unique=True),
    Index("dossiers_institution", ("institution",)),
    Index("dossiers_announced", ("announced_on", "id")),
)
WORKPLACES = Mapper(
    RegisteredWorkplace,
    "registered_workplaces",
    Index("registered_workplaces_programme", ("programme",)),
)
LEARNERS = Mapper(
    SearchingLearner,
    "searching_learners",
    Index("searching_learners_programme", ("programme",)),
)
