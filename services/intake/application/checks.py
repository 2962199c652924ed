"""Everything that a command refers to has to exist on that day; a refusal says which field, why, and what to do."""

from datetime import date

from stdnum.be import vat

from chassis.handling import Refused
from contracts.codelists.institutions import Institution, InstitutionKind, Institutions
from contracts.codelists.places import Municipality, Places
from contracts.codelists.programmes import Programmes
from contracts.codelists.sectors import JointCommittees
from contracts.vocabulary import EducationType, Subregion

PROVINCE = "8"
"""First digit of every postal code of West-Vlaanderen."""


def place_in_province(postal_code: str | None, name: str | None, places: Places, on: date) -> Municipality:
    """The municipality of a workplace: it has to be one of ours."""
    place = places.municipality_of(postal_code, name, on)
    if place is None:
        raise Refused(
            "postal_code" if postal_code else "municipality",
            f"{postal_code or name or 'Niets ingevuld'}: geen gemeente van West-Vlaanderen. "
            "Geef de postcode van de vestiging waar de lerende zou werken.",
        )
    return place


def subregion_of(postal_code: str | None, name: str | None, places: Places, on: date) -> Subregion | None:
    """The subregion where somebody lives, nothing finer; None outside the province, or when not given."""
    if postal_code is None and name is None:
        return None
    place = places.municipality_of(postal_code, name, on)
    if place is None and (postal_code is None or postal_code.startswith(PROVINCE)):
        raise Refused(
            "postal_code" if postal_code else "municipality",
            f"{postal_code or name} kennen we niet. Kijk het na, of laat het veld leeg.",
        )
    return place.subregion if place else None


def place_of(nis: str, places: Places, on: date) -> Municipality:
    """The municipality with this code: it has to be one of ours."""
    place = places.municipality(nis)
    if place is None or not place.valid_on(on):
        raise Refused("nis", f"{nis} is geen NIS-code van een gemeente van West-Vlaanderen.")
    return place


def school_of(number: str, institutions: Institutions, on: date, *, field: str = "school") -> Institution:
    """A school or centre of the code list."""
    found = institutions.get(number)
    if found is None or not found.valid_on(on):
        raise Refused(field, f"Instellingsnummer {number} kennen we niet. Kijk het nummer na.")
    return found


def education_type_of(school: Institution) -> EducationType:
    """Special secondary education has its own search clock."""
    return EducationType.BUSO if school.kind is InstitutionKind.BUSO else EducationType.GEWOON


def check_programme(so_number: str | None, programmes: Programmes, on: date) -> None:
    """Refuse a programme that is not in the code list."""
    if so_number is not None:
        found = programmes.get(so_number)
        if found is None or not found.valid_on(on):
            raise Refused("programme", f"Structuuronderdeel {so_number} kennen we niet als duale opleiding.")


def check_application(number: str, school_year: str, institutions: Institutions) -> None:
    """Refuse what is no programmatieaanvraag."""
    school = institutions.get(number)
    if school and school.kind is InstitutionKind.CVO:
        raise Refused("institution", "Een CVO heeft geen programmatieaanvraag nodig.")
    first, last = school_year.split("-")
    if int(last) != int(first) + 1:
        raise Refused("school_year", "Schrijf het schooljaar als twee jaren na elkaar, bijvoorbeeld 2027-2028.")


def check_joint_committee(number: str | None, joint_committees: JointCommittees) -> None:
    """Refuse a joint committee that does not exist."""
    if number is not None and joint_committees.get(number) is None:
        raise Refused("joint_committee", f"Paritair comité {number} kennen we niet. Laat het veld leeg bij twijfel.")


def enterprise_number_of(text: str) -> str:
    """The ten digits of a KBO number whose check digits are right."""
    if not vat.is_valid(text):
        raise Refused("enterprise_number", f"{text} is geen geldig ondernemingsnummer. Het heeft tien cijfers.")
    number: str = vat.compact(text)
    return number
