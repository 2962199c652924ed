"""An area is one programme in one subregion: what the evidence of a dossier is counted over."""

from contracts.codelists.institutions import Institutions
from contracts.codelists.places import Places
from contracts.vocabulary import Subregion, known


def area_of(programme: str, subregion: Subregion | None) -> str | None:
    """The area, as one text; None for what lies outside the subregions that we know."""
    return None if known(subregion) is None else f"{programme}/{subregion}"


def subregion_of(institution_number: str, institutions: Institutions, places: Places) -> Subregion | None:
    """Where an institution lies, by the municipality of its main seat."""
    found = institutions.get(institution_number)
    place = places.municipality(found.nis) if found else None
    return place.subregion if place else None
