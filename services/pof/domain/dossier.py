"""A dossier: one school's plan to start one dual programme, from its announcement to its submission."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID

from contracts.event import Event
from contracts.pof import Evidence, ProgrammatieAnnounced, ProgrammatieSubmitted
from contracts.vocabulary import DossierId, EducationType, Subregion
from services.pof.domain.calendar import is_kept


class Status(StrEnum):
    """How far a dossier is."""

    ANNOUNCED = "ANNOUNCED"
    """the plan was announced to the forum"""
    SUBMITTED = "SUBMITTED"
    """the application was submitted to AGODI"""


def natural_key_of(institution: str, site: str, programme: str, school_year: str) -> str:
    """The natural key as one text: no two dossiers may have the same."""
    return f"{institution}/{site}/{programme}/{school_year}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a school wants to start: which programme, where, from which school year on."""

    institution: str
    site: str
    programme: str
    education_type: EducationType
    school_year: str
    subregion: Subregion

    @property
    def natural_key(self) -> str:
        """What no two dossiers may have in common."""
        return natural_key_of(self.institution, self.site, self.programme, self.school_year)


@dataclass
class Dossier:
    """One plan and how far it is. `evidence` is the last count; the published events hold both counts."""

    id: UUID
    natural_key: str
    institution: str
    site: str
    programme: str
    education_type: EducationType
    school_year: str
    subregion: Subregion
    status: Status
    evidence: Evidence
    announced_on: date
    submitted_on: date | None = None
    agodi_reference: str | None = None
    deadline: date | None = None
    deadline_kept: bool | None = None
    version: int = 0
    pending_events: list[Event] = field(default_factory=list)

    @classmethod
    def announce(cls, id_: UUID, plan: Plan, evidence: Evidence, deadline: date | None, on: date) -> "Dossier":
        """Announce a plan to the forum."""
        dossier = cls.unannounced(id_, plan, evidence, deadline, on)
        dossier.pending_events.append(
            ProgrammatieAnnounced(
                dossier_id=DossierId(id_),
                institution=plan.institution,
                site=plan.site,
                programme=plan.programme,
                education_type=plan.education_type,
                school_year=plan.school_year,
                subregion=plan.subregion,
                evidence=evidence,
                announced_on=on,
            )
        )
        return dossier

    @classmethod
    def unannounced(cls, id_: UUID, plan: Plan, evidence: Evidence, deadline: date | None, on: date) -> "Dossier":
        """A plan that was submitted without having been announced."""
        return cls(
            id=id_,
            natural_key=plan.natural_key,
            institution=plan.institution,
            site=plan.site,
            programme=plan.programme,
            education_type=plan.education_type,
            school_year=plan.school_year,
            subregion=plan.subregion,
            status=Status.ANNOUNCED,
            evidence=evidence,
            announced_on=on,
            deadline=deadline,
        )

    def submit(self, agodi_reference: str, on: date, deadline: date | None, evidence: Evidence) -> None:
        """The application was submitted to AGODI: judge it by the deadline in force now."""
        self.status = Status.SUBMITTED
        self.agodi_reference, self.submitted_on = agodi_reference, on
        self.deadline, self.deadline_kept = deadline, is_kept(deadline, on)
        self.evidence = evidence
        self.pending_events.append(
            ProgrammatieSubmitted(
                dossier_id=DossierId(self.id),
                institution=self.institution,
                site=self.site,
                programme=self.programme,
                education_type=self.education_type,
                school_year=self.school_year,
                subregion=self.subregion,
                agodi_reference=agodi_reference,
                submitted_on=on,
                deadline=deadline,
                deadline_kept=self.deadline_kept,
                evidence=evidence,
            )
        )
