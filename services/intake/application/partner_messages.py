"""What a partner told us, with its references turned into ids of ours: the same reference is always the same id."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid5

from contracts import partner
from contracts.event import Event

_NAMESPACE = UUID("b0a7c1de-5d5c-5f0e-9f6a-2f1d1c3a7e90")

E = TypeVar("E", bound=Event)
Feedback = partner.ReferralAcknowledged | partner.ReferralProgressed | partner.ReferralClosed
Agreement = partner.AgreementRegistered | partner.AgreementEnded


def id_of(partner_id: str, kind: str, reference: str) -> UUID:
    """Our id of what a partner calls `reference`. Two partners never share one."""
    return uuid5(_NAMESPACE, f"{partner_id}\n{kind}\n{reference}")


@dataclass(frozen=True, slots=True)
class PartnerMessage(Generic[E]):
    """A fact in the partner's own words, and which partner it was."""

    partner: str
    fact: E

    def _id(self, kind: str, reference: str) -> UUID:
        return id_of(self.partner, kind, reference)


class PartnerQuestion(PartnerMessage[partner.QuestionReceived]):
    """Somebody asked the partner a question that is for us."""

    @property
    def case_id(self) -> UUID:
        """Questions with the same reference are one case."""
        return self._id("case", self.fact.reference)


class AboutLearner(PartnerMessage[E]):
    """Something about one learner of the partner."""

    fact: Any

    @property
    def learner_id(self) -> UUID:
        """The same for every message about this learner."""
        return self._id("learner", self.fact.learner_reference)

    @property
    def learner_key(self) -> str:
        """What the partner calls the learner, unique over all partners and schools."""
        return f"{self.partner}:{self.fact.learner_reference}"


class PartnerRisk(AboutLearner[partner.LearnerAtRisk]):
    """A learner may drop out."""

    @property
    def risk_id(self) -> UUID:
        """Of the report."""
        return self._id("risk", self.fact.reference)


class PartnerSearch(AboutLearner[partner.LearnerSearchStarted]):
    """A learner looks for a workplace."""

    @property
    def search_id(self) -> UUID:
        """Of the search."""
        return self._id("search", self.fact.reference)


class PartnerWorkplace(PartnerMessage[partner.WorkplaceRegistered]):
    """A company offers a workplace."""

    @property
    def workplace_id(self) -> UUID:
        """PartnerMessage again, it is the same workplace."""
        return self._id("workplace", self.fact.reference)


class PartnerProgrammatie(PartnerMessage[partner.ProgrammatieSubmitted]):
    """A school applied for a programme."""

    @property
    def dossier_id(self) -> UUID:
        """Of the application."""
        return self._id("dossier", self.fact.reference)


class PartnerFeedback(PartnerMessage[Feedback]):
    """How far the partner is with a referral of ours."""

    @property
    def referral_id(self) -> UUID:
        """Ours already: we told it to the partner."""
        return self.fact.referral_id


class PartnerAgreement(AboutLearner[Agreement]):
    """An agreement was registered, or ended."""

    @property
    def agreement_id(self) -> UUID:
        """Of the agreement, from its first day to its last."""
        return self._id("agreement", self.fact.reference)

    @property
    def workplace_id(self) -> UUID | None:
        """Only told when it is registered."""
        registered = isinstance(self.fact, partner.AgreementRegistered)
        return self._id("workplace", self.fact.workplace_reference) if registered else None


PARTNER_MESSAGES: dict[type[Event], type[PartnerMessage[Any]]] = {
    partner.QuestionReceived: PartnerQuestion,
    partner.LearnerAtRisk: PartnerRisk,
    partner.LearnerSearchStarted: PartnerSearch,
    partner.WorkplaceRegistered: PartnerWorkplace,
    partner.ProgrammatieSubmitted: PartnerProgrammatie,
    partner.ReferralAcknowledged: PartnerFeedback,
    partner.ReferralProgressed: PartnerFeedback,
    partner.ReferralClosed: PartnerFeedback,
    partner.AgreementRegistered: PartnerAgreement,
    partner.AgreementEnded: PartnerAgreement,
}
"""Everything that partners may tell."""
