"""Checks of commands: a refusal says which field, why, and what to do."""

from collections.abc import Iterable
from datetime import date

from chassis.actors import Actor
from chassis.handling import Forbidden, Refused
from contracts.codelists import CodeLists
from contracts.codelists.institutions import Institution, InstitutionKind, Institutions
from contracts.codelists.places import Places
from contracts.codelists.programmes import Programmes
from contracts.intake import ProgrammatieReceived
from contracts.vocabulary import EducationType
from services.pof.application.commands import AnnounceDossier
from services.pof.domain.dossier import Dossier, Plan, Status
from services.pof.domain.place import subregion_of
from services.pof.domain.school_year import first_day


def plan_of(command: AnnounceDossier, code_lists: CodeLists, today: date) -> Plan:
    """The plan of a command; refused when something that it refers to does not exist or does not fit."""
    applicant = _applicant(command.institution, code_lists.institutions, today)
    _check_education_type(command.education_type, applicant)
    start = _coming_start(command.school_year, today)
    _check_programme(command.programme, code_lists.programmes, start)
    subregion = subregion_of(applicant.number, code_lists.institutions, code_lists.places)
    assert subregion, f"{applicant.number}: the code list names a municipality that does not exist"
    return Plan(
        institution=applicant.number,
        site=command.site,
        programme=command.programme,
        education_type=command.education_type,
        school_year=command.school_year,
        subregion=subregion,
    )


def plan_of_partner(event: ProgrammatieReceived, institutions: Institutions, places: Places) -> Plan:
    """The plan of an application that was already submitted to AGODI, so it cannot be refused here.

    Intake has checked the codes. The type of education is that of the school.
    """
    applicant = institutions.get(event.institution)
    subregion = subregion_of(event.institution, institutions, places)
    assert applicant, f"{event.institution}: intake accepted a school that is not in the code list"
    assert subregion, f"{event.institution}: the code list names a municipality that does not exist"
    is_buso = applicant.kind is InstitutionKind.BUSO
    return Plan(
        institution=event.institution,
        site=event.site,
        programme=event.programme,
        education_type=EducationType.BUSO if is_buso else EducationType.GEWOON,
        school_year=event.school_year,
        subregion=subregion,
    )


def check_unique(rivals: Iterable[Dossier]) -> None:
    """Refuse a second dossier with the same natural key, whether the first is announced or submitted."""
    for rival in rivals:
        raise Refused(
            "programme",
            f"Voor deze opleiding, deze vestigingsplaats en dit schooljaar is er al een dossier: {rival.id}, "
            f"aangekondigd op {_written(rival.announced_on)}. Werk verder met dat dossier.",
        )


def check_submission(dossier: Dossier, submitted_on: date, today: date) -> None:
    """Refuse a second submission, and one with a date in the future."""
    if dossier.status is Status.SUBMITTED and dossier.submitted_on:
        raise Refused("dossier_id", f"Dit dossier is al ingediend op {_written(dossier.submitted_on)}.")
    if submitted_on > today:
        raise Refused(
            "submitted_on",
            f"{_written(submitted_on)} ligt in de toekomst. Geef de dag waarop de aanvraag bij AGODI is ingediend.",
        )


def _applicant(number: str, institutions: Institutions, today: date) -> Institution:
    found = institutions.get(number)
    if found is None or not found.valid_on(today):
        raise Refused("institution", f"Instellingsnummer {number} kennen we niet. Kijk het nummer na.")
    if found.kind is InstitutionKind.CVO:
        raise Refused(
            "institution",
            f"{found.name} is een centrum voor volwassenenonderwijs (CVO). Een CVO heeft geen programmatieaanvraag "
            "nodig: onderwijsbevoegdheid voor het studiegebied is genoeg.",
        )
    return found


def _check_education_type(education_type: EducationType, applicant: Institution) -> None:
    is_buso = applicant.kind is InstitutionKind.BUSO
    if is_buso and education_type is not EducationType.BUSO:
        raise Refused(
            "education_type", f"{applicant.name} is een school voor buitengewoon onderwijs. Kies onderwijstype buso."
        )
    if not is_buso and education_type is EducationType.BUSO:
        raise Refused(
            "education_type",
            f"{applicant.name} is geen school voor buitengewoon onderwijs. Kies onderwijstype gewoon.",
        )


def _coming_start(school_year: str, today: date) -> date:
    start = first_day(school_year)
    if start is None:
        raise Refused("school_year", "Schrijf het schooljaar als twee jaren na elkaar, bijvoorbeeld 2027-2028.")
    if start <= today:
        raise Refused(
            "school_year",
            f"Schooljaar {school_year} is al begonnen. Kies een schooljaar dat nog moet beginnen.",
        )
    return start


def _check_programme(so_number: str, programmes: Programmes, start: date) -> None:
    found = programmes.get(so_number)
    if found is None or not found.valid_on(start):
        raise Refused(
            "programme",
            f"Structuuronderdeel {so_number} kennen we niet als duale opleiding die op {_written(start)} kan starten. "
            "Kijk het nummer na.",
        )


def _written(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def check_school(institution: str, actor: Actor) -> None:
    """A school's account sees and changes the dossiers of that school alone.

    Raises:
        Forbidden: the dossier is of another school.
    """
    if not actor.may_act_for(institution):
        raise Forbidden("Uw account hoort bij een andere school. U ziet en verandert alleen eigen dossiers.")
