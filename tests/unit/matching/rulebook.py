"""The rulebook of the reference data, read once for all tests."""

from contracts.codelists.institutions import Institutions
from contracts.codelists.places import Places
from services.matching.adapters.reference import read_rulebook

INSTITUTIONS, PLACES = Institutions.read(), Places.read()
RULEBOOK = read_rulebook(INSTITUTIONS, PLACES)
