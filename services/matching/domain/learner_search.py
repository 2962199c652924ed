"""A learner's search for a workplace: the needs, the proposals so far, and what became of each."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.event import Event
from contracts.intake import LearnerSearchStarted
from contracts.matching import MatchLapsed, MatchProposed, ProposalPeriodEnded
from contracts.vocabulary import (
    AgeBand,
    EducationType,
    Language,
    LearnerId,
    ProposalId,
    SearchId,
    Subregion,
    Weekday,
    WorkplaceId,
    known,
)
from services.matching.domain.agreement import Agreement
from services.matching.domain.match import Match
from services.matching.domain.rules import Rules


@dataclass(frozen=True, slots=True)
class Proposed:
    """A workplace that was proposed; the proposal is open up to and including a day."""

    workplace_id: UUID
    proposal_id: UUID
    until: date
    lapsed: bool = False
    """Nobody decided in time, and MatchLapsed was published."""
    decided: bool = False
    """A partner reported an agreement that follows from it."""


@dataclass
class LearnerSearch:
    """One learner, known by a random id only, who looks for a workplace."""

    id: UUID
    search_id: UUID
    programme: str
    school: str
    education_type: EducationType | None
    subregion: Subregion | None
    age_band: AgeBand | None
    days: tuple[Weekday, ...]
    max_distance_km: int | None
    needs_public_transport: bool
    needs_accessible_place: bool
    language: Language | None
    started_on: date
    clock_days: int
    at_risk: bool = False
    proposed: tuple[Proposed, ...] = ()
    """Former proposals too: events do not arrive in the order of their days, so a later one may need them."""
    settled_until: date | None = None
    """Last day of the agreements that the learner has: nothing is proposed until then."""
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    @classmethod
    def start(cls, event: LearnerSearchStarted) -> "LearnerSearch":
        """The first search of a learner."""
        return cls(
            id=event.learner_id,
            search_id=event.search_id,
            programme=event.programme,
            school=event.school,
            education_type=known(event.education_type),
            subregion=known(event.subregion),
            age_band=known(event.age_band),
            days=tuple(day for day in event.days if known(day)),
            max_distance_km=event.max_distance_km,
            needs_public_transport=event.needs_public_transport,
            needs_accessible_place=event.needs_accessible_place,
            language=known(event.language),
            started_on=event.started_on,
            clock_days=event.clock_days,
        )

    def renew(self, event: LearnerSearchStarted) -> None:
        """The learner searches again, perhaps for something else; open proposals and the risk are kept."""
        again = replace(LearnerSearch.start(event), at_risk=self.at_risk, proposed=self.proposed, version=self.version)
        vars(self).update(vars(again))

    def mark_at_risk(self) -> None:
        """Somebody reported that the learner may drop out."""
        self.at_risk = True

    def apply_agreements(self, agreements: Collection[Agreement]) -> None:
        """Propose nothing while an agreement runs, and mark the proposals from which an agreement follows.

        All agreements of the learner are applied each time: agreements and searches are on different topics, so either
        may come first, and the end of a former agreement may come after the start of the next.
        """
        last_days = [one.ends_on for one in agreements if one.ends_on and one.answers(self.started_on)]
        self.settled_until = max(last_days, default=None)
        named = {one.proposal_id for one in agreements}
        self.proposed = tuple(replace(one, decided=one.proposal_id in named) for one in self.proposed)

    def open_proposals(self, day: date) -> list[Proposed]:
        """The proposals on which the trajectbegeleider can still decide."""
        return [proposed for proposed in self.proposed if day <= proposed.until and not proposed.decided]

    def room(self, rules: Rules) -> int:
        """How many more proposals the learner may get; none while an agreement runs."""
        if self.settled_until and rules.day <= self.settled_until:
            return 0
        return max(0, rules.policy.max_proposals - len(self.open_proposals(rules.day)))

    def propose(self, match: Match, proposal_id: UUID, rules: Rules) -> None:
        """Propose a workplace, which keeps a position free as long as the proposal is open."""
        workplace, until = match.workplace, rules.proposals_expire_on
        workplace.reserve(proposal_id, on=rules.day, until=until)
        self.proposed += (Proposed(workplace.id, proposal_id, until),)
        self.pending_events.append(
            MatchProposed(
                learner_id=LearnerId(self.id),
                proposal_id=ProposalId(proposal_id),
                search_id=SearchId(self.search_id),
                workplace_id=WorkplaceId(workplace.id),
                programme=self.programme,
                school=self.school,
                subregion=workplace.subregion or rules.places.municipalities[workplace.nis].subregion,
                score=match.score,
                reasons=match.reasons,
                distance_km=match.distance_km,
                recognition_pending=match.recognition_pending,
                rule_version=rules.version,
                proposed_on=rules.day,
                expires_on=until,
            )
        )
        self.pending_events.append(
            ProposalPeriodEnded(
                timer_id=proposal_id,
                due_at=_end_of(until),
                proposal_id=ProposalId(proposal_id),
                learner_id=LearnerId(self.id),
                workplace_id=WorkplaceId(workplace.id),
                programme=self.programme,
            )
        )

    def lapse(self, ended: ProposalPeriodEnded) -> bool:
        """The last day of a proposal is over. False: it does not lapse now, because it was decided or lapsed before."""
        proposal = next((one for one in self.proposed if one.proposal_id == ended.proposal_id), None)
        if proposal is None or proposal.decided or proposal.lapsed:
            return False
        self.proposed = tuple(replace(one, lapsed=True) if one is proposal else one for one in self.proposed)
        self.pending_events.append(
            MatchLapsed(
                learner_id=ended.learner_id,
                proposal_id=ended.proposal_id,
                workplace_id=ended.workplace_id,
                programme=ended.programme,
                expired_on=proposal.until,
            )
        )
        return True


def _end_of(day: date) -> datetime:
    """Midnight in Belgium after that day."""
    return datetime.combine(day + timedelta(days=1), time.min, ZoneInfo("Europe/Brussels")).astimezone(UTC)
