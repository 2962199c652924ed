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
    ended_on: date | None = None
    version: int = 0
    facts: list[Event] = field(default_factory=list)

    def register(self, event: AgreementReported) -> bool:
        """It runs. False: we knew that already, or it ended meanwhile."""
        if self.starts_on or self.ended_on:
            return False
        self.starts_on = event.happened_on
        self.facts.append(
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
        return True

    def end(self, event: AgreementReported) -> bool:
        """It runs no more. False: we knew that already."""
        if self.ended_on:
            return False
        self.ended_on = event.happened_on
        self.facts.append(
            AgreementEnded(
                agreement_id=event.agreement_id,
                learner_id=event.learner_id,
                reason=known(event.reason),
                ended_on=event.happened_on,
                source=event.source,
            )
        )
        return True
