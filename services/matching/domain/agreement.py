"""An agreement (overeenkomst): our dated copy of what a partner told us. The register is elsewhere."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from contracts.event import Event
from contracts.intake import AgreementReported
from contracts.matching import AgreementEnded, AgreementRegistered
from contracts.vocabulary import known


@dataclass
class Agreement:
    """One agreement of one learner. It may be known by its end alone."""

    id: UUID
    learner_id: UUID
    starts_on: date | None = None
    ends_on: date | None = None
    """Planned."""
    proposal_id: UUID | None = None
    """The proposal of ours that it follows from."""
    ended_on: date | None = None
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    def register(self, event: AgreementReported) -> None:
        """It runs, unless we knew that already, or it ended meanwhile."""
        # Also of one that ended already: somebody did decide.
        self.proposal_id = self.proposal_id or event.proposal_id
        if self.starts_on or self.ended_on:
            return
        self.starts_on, self.ends_on = event.happened_on, event.ends_on
        self.pending_events.append(
            AgreementRegistered(
                agreement_id=event.agreement_id,
                learner_id=event.learner_id,
                workplace_id=event.workplace_id,
                proposal_id=event.proposal_id,
                form=known(event.form),
                programme=event.programme,
                starts_on=event.happened_on,
                ends_on=event.ends_on,
                source=event.source,
            )
        )

    def answers(self, search_started_on: date) -> bool:
        """Is it what the learner searched for since that day? Not when it ended, or ran before the search began."""
        return self.starts_on is not None and self.ended_on is None and search_started_on <= self.starts_on

    def end(self, event: AgreementReported) -> None:
        """It runs no more, unless we knew that already."""
        if self.ended_on:
            return
        self.ended_on = event.happened_on
        self.pending_events.append(
            AgreementEnded(
                agreement_id=event.agreement_id,
                learner_id=event.learner_id,
                reason=known(event.reason),
                ended_on=event.happened_on,
                source=event.source,
            )
        )
