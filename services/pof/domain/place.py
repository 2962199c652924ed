"""The subregion of an institution."""

from contracts.codelists.institutions import Institutions
from contracts.codelists.places import Places
from contracts.vocabulary import Subregion


def subregion_of(institution_number: str, institutions: Institutions, places: Places) -> Subregion | None:
    """The subregion of an institution, by the municipality of its main seat."""
    found = institutions.get(institution_number)
    place = places.municipality(found.nis) if found else None
    return place.subregion if place else None
