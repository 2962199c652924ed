"""A learner's searches and risk signals, under a pseudonym that only intake can resolve."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from contracts.codelists.dated import Dated
from contracts.event import Event
from contracts.intake import LearnerAtRisk, LearnerSearchStarted
from contracts.vocabulary import (
    AgeBand,
    EducationType,
    Language,
    LearnerId,
    RiskId,
    RiskSignal,
    Role,
    SearchId,
    Severity,
    Subregion,
    Weekday,
)


@dataclass(frozen=True, slots=True)
class SignalPolicy(Dated):
    """What a risk signal means on a day: how urgent it is, who acts first, and within how many working days."""

    signal: RiskSignal
    severity: Severity
    due_days: int
    owner_role: Role
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class SearchClock(Dated):
    """How many opleidingsdagen a learner has to find a workplace, and how many an extension adds."""

    education_type: EducationType
    base_days: int
    extension_days: int
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a learner looks for in a workplace."""

    programme: str
    days: tuple[Weekday, ...]
    max_distance_km: int | None
    needs_public_transport: bool
    needs_accessible_place: bool
    language: Language


@dataclass
class Learner:
    """One learner of one school. `school_reference` is the code of the school or partner; it is never published."""

    id: UUID
    school_reference: str
    school: str
    education_type: EducationType
    age_band: AgeBand
    subregion: Subregion | None
    searches: int = 0
    risks: int = 0
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    def update(
        self, school: str, education_type: EducationType, age_band: AgeBand, subregion: Subregion | None
    ) -> None:
        """Take over what a partner sent about its learner; a subregion that it left out stays as it was."""
        self.school, self.education_type, self.age_band = school, education_type, age_band
        self.subregion = subregion or self.subregion

    def start_search(self, search_id: UUID, wishes: Wishes, clock: SearchClock, started_on: date) -> None:
        """Start to look for a workplace; the search clock runs from this day."""
        self.searches += 1
        self.pending_events.append(
            LearnerSearchStarted(
                learner_id=LearnerId(self.id),
                search_id=SearchId(search_id),
                programme=wishes.programme,
                school=self.school,
                education_type=self.education_type,
                subregion=self.subregion,
                age_band=self.age_band,
                days=wishes.days,
                max_distance_km=wishes.max_distance_km,
                needs_public_transport=wishes.needs_public_transport,
                needs_accessible_place=wishes.needs_accessible_place,
                language=wishes.language,
                started_on=started_on,
                clock_days=clock.base_days,
            )
        )

    def report_risk(
        self,
        risk_id: UUID,
        policy: SignalPolicy,
        reported_by: Role,
        programme: str | None,
        opened_on: date,
        due_on: date,
    ) -> None:
        """Somebody with a role reports that the learner may drop out."""
        self.risks += 1
        self.pending_events.append(
            LearnerAtRisk(
                learner_id=LearnerId(self.id),
                risk_id=RiskId(risk_id),
                signal=policy.signal,
                severity=policy.severity,
                reported_by=reported_by,
                owner=policy.owner_role,
                opened_on=opened_on,
                due_on=due_on,
                school=self.school,
                subregion=self.subregion,
                age_band=self.age_band,
                programme=programme,
            )
        )
