"""The learners who look for a workplace, as far as evidence needs them."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from chassis.projections import Projection, projects
from contracts.intake import LearnerSearchStarted
from contracts.vocabulary import Subregion
from services.pof.domain.school_year import start_of_year_around


@dataclass(frozen=True)
class SearchingLearner:
    """One learner under a pseudonym, with the search that started last."""

    id: UUID
    programme: str
    subregion: Subregion | None
    started_on: date

    def counts_on(self, day: date) -> bool:
        """Did the search start this school year? There is no event for the end of a search."""
        return self.started_on >= start_of_year_around(day)


@projects(LearnerSearchStarted)
def started(event: LearnerSearchStarted) -> SearchingLearner:
    """Another search replaces the former: a learner has one search at a time."""
    return SearchingLearner(
        id=event.learner_id,
        programme=event.programme,
        subregion=event.subregion,
        started_on=event.started_on,
    )


SEARCHING_LEARNERS = Projection(SearchingLearner, started)
