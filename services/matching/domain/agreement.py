"""An agreement (overeenkomst) as a partner reported it. The register of agreements is not ours."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from contracts.event import Event
from contracts.intake import AgreementReported
from contracts.matching import AgreementEnded, AgreementRegistered
from contracts.vocabulary import known


@dataclass
class Agreement:
    """One agreement of one learner. `starts_on` is None when only its end was reported."""

    id: UUID
    learner_id: UUID
    starts_on: date | None = None
    ends_on: date | None = None
    """The planned last day."""
    proposal_id: UUID | None = None
    """The proposal of ours from which it follows."""
    ended_on: date | None = None
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    def register(self, event: AgreementReported) -> None:
        """It was registered. No effect when it is a repetition, or when the end was reported first."""
        # Also when the end was reported first: somebody did decide on the proposal.
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
        """Does it fulfil a search that started on that day? Not when it ended, or began before the search did."""
        return self.starts_on is not None and self.ended_on is None and search_started_on <= self.starts_on

    def end(self, event: AgreementReported) -> None:
        """It ended. No effect when it is a repetition."""
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
