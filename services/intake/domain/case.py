"""A case: all questions of one person or organisation."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.event import Event
from contracts.intake import QuestionReceived
from contracts.vocabulary import AgeBand, Audience, CaseId, Channel, Language, QuestionId, SchoolNet, Subregion
from services.intake.domain.triage import ChosenTopic


@dataclass(frozen=True, slots=True)
class Question:
    """One question without its text, which is in the vault under the same id."""

    id: UUID
    channel: Channel
    topics: tuple[ChosenTopic, ...]
    asked_at: datetime
    programme: str | None = None
    joint_committee: str | None = None
    school_net: SchoolNet | None = None


@dataclass
class Case:
    """The questions of one person or organisation, without name or text."""

    id: UUID
    audience: Audience
    age_band: AgeBand
    language: Language
    subregion: Subregion | None
    opened_at: datetime
    questions: tuple[Question, ...] = ()
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    def ask(self, question: Question) -> None:
        """A question opens the case, or joins it."""
        self.questions = (*self.questions, question)
        self.pending_events.append(
            QuestionReceived(
                case_id=CaseId(self.id),
                question_id=QuestionId(question.id),
                channel=question.channel,
                audience=self.audience,
                topics=tuple(chosen.topic for chosen in question.topics),
                subregion=self.subregion,
                age_band=self.age_band,
                language=self.language,
                school_net=question.school_net,
                joint_committee=question.joint_committee,
                programme=question.programme,
                received_at=question.asked_at,
            )
        )
