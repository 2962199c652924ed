"""What may be asked about cases: the desk of the Steunpunt, one case, and the case behind a private link.

Nothing here tells who somebody is or what they wrote: that is in the vault, which no query reads.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from contracts.vocabulary import (
    AgeBand,
    Audience,
    Channel,
    Language,
    ReferralKind,
    ReferralOutcome,
    SchoolNet,
    Subregion,
    Topic,
)
from services.intake.domain.case import CaseStatus

ROWS_A_PAGE = 50


class Which(StrEnum):
    """The lists of the desk."""

    TODAY = "TODAY"
    """open, and due on that day or before"""
    LATE = "LATE"
    """open, and due before that day"""
    OPEN = "OPEN"
    """everything that is open"""
    WITH_PARTNER = "WITH_PARTNER"
    """open, and a partner has it: a referral that is not closed asks the partner to act, or was acknowledged"""
    CLOSED = "CLOSED"
    """nothing more is to be done"""


@dataclass(frozen=True, slots=True)
class DeskFilter:
    """Which cases to show. What is None does not matter."""

    which: Which = Which.TODAY
    topic: Topic | None = None
    """One of the topics of the newest question."""
    audience: Audience | None = None
    subregion: Subregion | None = None


@dataclass(frozen=True, slots=True)
class ReferralView:
    """One referral of a case, as far as the platform was told."""

    referral_id: UUID
    question_id: UUID
    topic: Topic
    kind: ReferralKind
    service_id: str
    rule_id: str
    due_on: date
    created_at: datetime
    acknowledged_on: date | None
    closed_on: date | None
    outcome: ReferralOutcome | None


@dataclass(frozen=True, slots=True)
class DeskRow:
    """One case on the desk."""

    case_id: UUID
    question_id: UUID
    """The first question."""
    questions: int
    """How many there are."""
    topics: tuple[Topic, ...]
    """Of the newest question, best first."""
    channel: Channel
    """Of the newest question."""
    audience: Audience
    age_band: AgeBand
    subregion: Subregion | None
    opened_at: datetime
    due_on: date
    status: CaseStatus
    referral: ReferralView | None
    """The newest; None when nobody was asked yet."""


@dataclass(frozen=True, slots=True)
class DeskCounts:
    """How many cases each list has, under the same topic, audience and subregion."""

    today: int
    late: int
    open: int
    with_partner: int
    closed: int

    def of(self, which: Which) -> int:
        """The length of one list."""
        return {
            Which.TODAY: self.today,
            Which.LATE: self.late,
            Which.OPEN: self.open,
            Which.WITH_PARTNER: self.with_partner,
            Which.CLOSED: self.closed,
        }[which]


@dataclass(frozen=True, slots=True)
class DeskPage:
    """One page of a list, most urgent case first."""

    rows: tuple[DeskRow, ...]
    total: int
    """Cases in the whole list."""
    page: int
    """From 1; the last page when a later one was asked for."""
    pages: int
    """At least 1."""
    counts: DeskCounts


@dataclass(frozen=True, slots=True)
class TopicView:
    """A topic of a question, and the rules and words that led to it."""

    topic: Topic
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuestionView:
    """One question, without its text."""

    id: UUID
    channel: Channel
    topics: tuple[TopicView, ...]
    """Best first."""
    asked_at: datetime
    due_on: date
    programme: str | None = None
    joint_committee: str | None = None
    school_net: SchoolNet | None = None


@dataclass(frozen=True, slots=True)
class CaseView:
    """Everything of one case that is not in the vault."""

    case_id: UUID
    audience: Audience
    age_band: AgeBand
    language: Language
    subregion: Subregion | None
    opened_at: datetime
    due_on: date
    status: CaseStatus
    questions: tuple[QuestionView, ...]
    """Oldest first."""
    referrals: tuple[ReferralView, ...]
    """Newest first."""


class LinkedCase(NamedTuple):
    """A private link that works, and its case."""

    link_id: UUID
    case_id: UUID


@dataclass(frozen=True, slots=True)
class Waiting:
    """Open cases of the whole Steunpunt."""

    today: int
    """Due on that day or before."""
    late: int
    """Due before that day."""
    open: int


@dataclass(frozen=True, slots=True)
class AuditView:
    """One thing that somebody did, or read of a person."""

    at: datetime
    actor: str
    """Pseudonymous: the login provider knows who it is."""
    way: str
    roles: str
    """Separated by spaces."""
    action: str
    """The command, or what was read."""
    about: UUID


class AuditQueries(Protocol):
    """Who did what, and who read whose data."""

    async def about(self, ids: Collection[UUID]) -> list[AuditView]:
        """Everything that was done to these, or read of them, newest first."""
        ...


class CaseQueries(Protocol):
    """Answers from what is stored now. No query changes or locks anything."""

    async def desk(self, wanted: DeskFilter, on: date, page: int = 1) -> DeskPage:
        """One page of the desk, as it is on that day."""
        ...

    async def case(self, case_id: UUID) -> CaseView | None:
        """One case; None when there is none with this id."""
        ...

    async def case_of_link(self, token_hash: str, on: date) -> LinkedCase | None:
        """The case behind a private link; None for a link that is unknown, expired or withdrawn."""
        ...

    async def waiting(self, on: date) -> Waiting:
        """How much is to be done."""
        ...
