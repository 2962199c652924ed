"""Messages of partners, with references turned into ids of ours: the same reference always gives the same id."""

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
    """Our id for a partner's reference. It depends on the partner, so equal references of two partners differ."""
    return uuid5(_NAMESPACE, f"{partner_id}\n{kind}\n{reference}")


@dataclass(frozen=True, slots=True)
class PartnerMessage(Generic[E]):
    """An event in the partner dialect, and the partner that sent it."""

    partner: str
    event: E

    def _id(self, kind: str, reference: str) -> UUID:
        return id_of(self.partner, kind, reference)


class PartnerQuestion(PartnerMessage[partner.QuestionReceived]):
    """Somebody asked the partner a question that is for the Steunpunt."""

    @property
    def case_id(self) -> UUID:
        """Questions with the same reference are one case."""
        return self._id("case", self.event.reference)


class AboutLearner(PartnerMessage[E]):
    """Something about one learner of the partner."""

    event: Any

    @property
    def learner_id(self) -> UUID:
        """The same for every message of this partner about this learner."""
        return self._id("learner", self.event.learner_reference)

    @property
    def learner_key(self) -> str:
        """The partner's reference for the learner, made unique over all partners and schools."""
        return f"{self.partner}:{self.event.learner_reference}"


class PartnerRisk(AboutLearner[partner.LearnerAtRisk]):
    """A learner may drop out."""

    @property
    def risk_id(self) -> UUID:
        """Follows from the reference of the report."""
        return self._id("risk", self.event.reference)


class PartnerSearch(AboutLearner[partner.LearnerSearchStarted]):
    """A learner looks for a workplace."""

    @property
    def search_id(self) -> UUID:
        """Follows from the reference of the search."""
        return self._id("search", self.event.reference)


class PartnerWorkplace(PartnerMessage[partner.WorkplaceRegistered]):
    """A company offers a workplace."""

    @property
    def workplace_id(self) -> UUID:
        """Two messages with the same reference are about the same workplace."""
        return self._id("workplace", self.event.reference)


class PartnerProgrammatie(PartnerMessage[partner.ProgrammatieSubmitted]):
    """A school applied for a programme."""

    @property
    def dossier_id(self) -> UUID:
        """Follows from the reference of the application."""
        return self._id("dossier", self.event.reference)


class PartnerFeedback(PartnerMessage[Feedback]):
    """How far the partner is with a referral of ours."""

    @property
    def referral_id(self) -> UUID:
        """Our own id, which the partner received in ReferralCreated."""
        return self.event.referral_id


class PartnerAgreement(AboutLearner[Agreement]):
    """An agreement was registered, or ended."""

    @property
    def agreement_id(self) -> UUID:
        """The same when the agreement is registered and when it ends."""
        return self._id("agreement", self.event.reference)

    @property
    def workplace_id(self) -> UUID | None:
        """Only a registration names the workplace; None when the agreement ended."""
        registered = isinstance(self.event, partner.AgreementRegistered)
        return self._id("workplace", self.event.workplace_reference) if registered else None


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
"""Every type of event that partners may send."""
