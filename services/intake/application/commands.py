"""The bodies of intake's HTTP requests. A field that is not defined here is refused, and the answer names it."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.vocabulary import (
    AgeBand,
    Audience,
    Channel,
    Code,
    InstitutionNumber,
    JointCommitteeNumber,
    Language,
    Recognition,
    RiskSignal,
    Role,
    SoNumber,
    Weekday,
)

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=8000)]
PostalCode = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{3}$")]
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})+$"
Email = Annotated[str, StringConstraints(strip_whitespace=True, max_length=254, pattern=_ADDRESS)]
"""What a browser takes for a mail address (WHATWG HTML, input type=email), in a domain with a dot."""
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9 ./()-]{8,25}$")]
Days = Annotated[tuple[Weekday, ...], Field(max_length=7)]


class Command(BaseModel):
    """Unknown fields are refused, so that a misspelt field is not silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Contact(Command):
    """How a person can be reached. All of it is kept in the vault and nowhere else."""

    name: Line | None = None
    email: Email | None = None
    phone: Phone | None = None


LinkHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, in hexadecimal, of a token that only the person who asked has."""


class AskQuestion(Command):
    """Somebody asks a question."""

    audience: Audience
    text: Words
    channel: Channel = Channel.WEB
    case_id: UUID | None = None
    """The case that the question belongs to; empty: the question opens a new case."""
    postal_code: PostalCode | None = None
    municipality: Line | None = None
    age_band: AgeBand = AgeBand.NOT_GIVEN
    language: Language = Language.NL
    school: InstitutionNumber | None = None
    joint_committee: JointCommitteeNumber | None = None
    programme: SoNumber | None = None
    contact: Contact = Contact()
    link: LinkHash | None = None
    """The private link by which the case can be followed; only with a question that opens a case."""


class WithdrawCase(Command):
    """The person who asked does not need an answer any more."""

    case_id: UUID


class MakeLink(Command):
    """One more private link to a case, for whoever lost theirs or never had one; the earlier ones keep working."""

    case_id: UUID
    link: LinkHash


class AboutLearner(Command):
    """A command about one learner: the school and the code that the school uses for them, never a name."""

    school: InstitutionNumber
    reference: Code
    age_band: AgeBand = AgeBand.NOT_GIVEN
    postal_code: PostalCode | None = None
    """Only used to find the subregion; it is not stored."""

    @property
    def school_reference(self) -> str:
        """The school's code for the learner, unique over all schools."""
        return f"{self.school}/{self.reference}"


class ReportRisk(AboutLearner):
    """Somebody with a role reports that a learner may drop out."""

    signal: RiskSignal
    reported_by: Role
    programme: SoNumber | None = None


class StartSearch(AboutLearner):
    """A learner, or the school for them, starts to look for a workplace."""

    programme: SoNumber
    days: Days = ()
    max_distance_km: Annotated[int, Field(ge=1, le=200)] | None = None
    needs_public_transport: bool = False
    needs_accessible_place: bool = False
    language: Language = Language.NL


class RegisterWorkplace(Command):
    """A company offers a workplace for one programme."""

    company: Line
    enterprise_number: Annotated[str, StringConstraints(max_length=20)]
    programme: SoNumber
    recognition: Recognition = Recognition.INTERESSE
    recognised_until: date | None = None
    joint_committee: JointCommitteeNumber | None = None
    open_positions: Annotated[int, Field(ge=0, le=500)] = 1
    postal_code: PostalCode | None = None
    municipality: Line | None = None
    days: Days = ()
    public_transport: bool | None = None
    accessible: bool | None = None
    languages: Annotated[tuple[Language, ...], Field(max_length=4)] = ()
    had_learner_before: bool | None = None
    contact: Contact = Contact()


class Reason(BaseModel):
    """Why a topic was chosen."""

    topic: str
    because: tuple[str, ...]


class QuestionReceipt(BaseModel):
    """The answer to a question that was accepted."""

    case_id: UUID
    question_id: UUID
    triage: tuple[Reason, ...]
    numbers_removed: int
    """National register numbers that were taken out of the text."""
    due_on: date
    """By the end of this day somebody of the Steunpunt contacts the person."""


class WithdrawReceipt(BaseModel):
    """The answer to a case that was withdrawn, now or before."""

    case_id: UUID


class LinkReceipt(BaseModel):
    """The answer to a link that was made. Only who asked for it has the token."""

    case_id: UUID
    expires_on: date
    """Its last day."""


class RiskReceipt(BaseModel):
    """The answer to a risk report that was accepted."""

    learner_id: UUID
    risk_id: UUID
    due_on: date


class SearchReceipt(BaseModel):
    """The answer to a search that was accepted."""

    learner_id: UUID
    search_id: UUID
    clock_days: int


class WorkplaceReceipt(BaseModel):
    """The answer to a workplace that was accepted."""

    workplace_id: UUID
    expires_on: date
