"""A case: all questions of one person or organisation."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from contracts.event import Event
from contracts.intake import CaseClosed, CaseReopened, QuestionReceived
from contracts.vocabulary import (
    AgeBand,
    Audience,
    CaseId,
    CaseOutcome,
    Channel,
    Language,
    QuestionId,
    SchoolNet,
    Subregion,
    Topic,
)
from services.intake.domain.triage import ChosenTopic


class CaseStatus(StrEnum):
    """Whether the Steunpunt still has to do something for a case."""

    OPEN = "OPEN"
    WITHDRAWN = "WITHDRAWN"
    """the person who asked does not need an answer any more"""


@dataclass(frozen=True, slots=True)
class Question:
    """One question without its text, which is in the vault under the same id."""

    id: UUID
    channel: Channel
    topics: tuple[ChosenTopic, ...]
    asked_at: datetime
    due_on: date
    """Day of the first human contact at the latest."""
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
    due_on: date
    """Day of the first human contact at the latest: the earliest of its open questions."""
    status: CaseStatus = CaseStatus.OPEN
    topics: tuple[Topic, ...] = ()
    """Of the newest question, best first: what the case is about now."""
    questions: tuple[Question, ...] = ()
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    def ask(self, question: Question, on: date) -> None:
        """A question opens the case, or joins it; a case that was closed is open again."""
        if self.status is CaseStatus.OPEN:
            self.due_on = min(self.due_on, question.due_on)
        else:
            self._reopen(question.due_on, on)
        self.questions = (*self.questions, question)
        self.topics = tuple(chosen.topic for chosen in question.topics)
        self.pending_events.append(
            QuestionReceived(
                case_id=CaseId(self.id),
                question_id=QuestionId(question.id),
                channel=question.channel,
                audience=self.audience,
                topics=self.topics,
                subregion=self.subregion,
                age_band=self.age_band,
                language=self.language,
                school_net=question.school_net,
                joint_committee=question.joint_committee,
                programme=question.programme,
                received_at=question.asked_at,
            )
        )

    def withdraw(self, on: date) -> None:
        """The person who asked does not need an answer any more. To withdraw it again changes nothing."""
        if self.status is CaseStatus.OPEN:
            self.status = CaseStatus.WITHDRAWN
            self.pending_events.append(CaseClosed(case_id=CaseId(self.id), outcome=CaseOutcome.WITHDRAWN, closed_on=on))

    def _reopen(self, due_on: date, on: date) -> None:
        """Only the new question is to be answered: the earlier ones were closed with the case."""
        self.status, self.due_on = CaseStatus.OPEN, due_on
        self.pending_events.append(CaseReopened(case_id=CaseId(self.id), reopened_on=on))
