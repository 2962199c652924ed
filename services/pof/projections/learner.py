"""The learners who look for a workplace, as far as evidence needs them."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from contracts.event import Event
from contracts.intake import LearnerSearchStarted
from contracts.vocabulary import Subregion
from services.pof.domain.school_year import start_of_year_around


@dataclass
class SearchingLearner:
    """One learner under a pseudonym, with the search that started last."""

    id: UUID
    programme: str
    subregion: Subregion | None
    started_on: date
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    @classmethod
    def of(cls, event: LearnerSearchStarted) -> "SearchingLearner":
        """The first search of a learner."""
        return cls(
            id=event.learner_id,
            programme=event.programme,
            subregion=event.subregion,
            started_on=event.started_on,
        )

    def update(self, event: LearnerSearchStarted) -> None:
        """Another search replaces the former: a learner has one search at a time."""
        self.programme, self.subregion = event.programme, event.subregion
        self.started_on = event.started_on

    def counts_on(self, day: date) -> bool:
        """Did the search start this school year? There is no event for the end of a search."""
        return self.started_on >= start_of_year_around(day)
