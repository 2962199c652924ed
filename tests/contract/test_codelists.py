"""The code lists agree with West-Vlaanderen as it is on a day."""

from collections import Counter
from datetime import date

import pytest

from contracts.codelists import CodeLists
from contracts.codelists.institutions import InstitutionKind
from contracts.codelists.places import distance_km
from contracts.vocabulary import SchoolNet, Subregion

LISTS = CodeLists.read()
PLACES = LISTS.places
TODAY = date(2026, 11, 23)
LAST_DAY_BEFORE_THE_MERGERS = date(2024, 12, 31)
FIRST_DAY_AFTER_THE_MERGERS = date(2025, 1, 1)


def nis_of(postal_code: str | None = None, name: str | None = None, on: date = TODAY) -> str | None:
    found = PLACES.municipality_of(postal_code, name, on)
    return found.nis if found else None


@pytest.mark.parametrize(
    ("day", "count"), [(LAST_DAY_BEFORE_THE_MERGERS, 64), (FIRST_DAY_AFTER_THE_MERGERS, 62), (TODAY, 62)]
)
def test_the_province_has_as_many_municipalities_as_on_that_day(day: date, count: int) -> None:
    assert len(PLACES.municipalities_on(day)) == count


def test_every_subregion_has_its_municipalities() -> None:
    assert Counter(place.subregion for place in PLACES.municipalities_on(TODAY)) == {
        Subregion.BRUGGE: 10,
        Subregion.OOSTENDE: 7,
        Subregion.WESTHOEK: 17,
        Subregion.MIDWEST: 15,
        Subregion.ZUID_WEST: 13,
    }


def test_wervik_counts_as_zuid_west_and_dentergem_as_midwest() -> None:
    wervik, dentergem = PLACES.municipality("33029"), PLACES.municipality("37002")
    assert wervik
    assert dentergem
    assert (wervik.subregion, dentergem.subregion) == (Subregion.ZUID_WEST, Subregion.MIDWEST)


def test_a_former_municipality_ends_the_day_before_its_successor_begins() -> None:
    former = [place for place in PLACES.municipalities.values() if place.successor_nis]
    assert {place.nis for place in former} == {"37007", "37012", "37015", "37018"}
    for place in former:
        successor = PLACES.municipalities[place.successor_nis or ""]
        assert place.valid_to == LAST_DAY_BEFORE_THE_MERGERS
        assert successor.valid_from == FIRST_DAY_AFTER_THE_MERGERS


def test_every_postal_code_belongs_to_exactly_one_existing_municipality_on_any_day() -> None:
    for day in (LAST_DAY_BEFORE_THE_MERGERS, TODAY):
        valid = [code for code in PLACES.postal_codes if code.valid_on(day)]
        assert max(Counter(code.postal_code for code in valid).values()) == 1
        assert {code.nis for code in valid} == {place.nis for place in PLACES.municipalities_on(day)}


def test_every_municipality_has_one_main_postal_code() -> None:
    main = Counter(code.nis for code in PLACES.postal_codes if code.is_main)
    assert main == dict.fromkeys(PLACES.municipalities, 1)


@pytest.mark.parametrize(
    ("name", "code", "before", "since"),
    [
        ("Ruiselede", "8755", "37012", "37021"),
        ("Wingene", "8750", "37018", "37021"),
        ("Meulebeke", "8760", "37007", "37022"),
        ("Tielt", "8700", "37015", "37022"),
    ],
)
def test_a_merged_municipality_is_found_as_its_successor(name: str, code: str, before: str, since: str) -> None:
    assert nis_of(name=name) == nis_of(code) == since
    assert nis_of(name=name, on=LAST_DAY_BEFORE_THE_MERGERS) == before
    assert nis_of(code, on=LAST_DAY_BEFORE_THE_MERGERS) == before


def test_a_successor_does_not_exist_before_its_merger() -> None:
    assert "37021" not in {place.nis for place in PLACES.municipalities_on(LAST_DAY_BEFORE_THE_MERGERS)}


@pytest.mark.parametrize("code", ["7780", "7700", "9880", "0000", "brugge"])
def test_a_place_outside_the_province_is_not_ours(code: str) -> None:
    assert nis_of(code) is None


def test_a_postal_code_decides_over_a_name() -> None:
    assert nis_of("8310", "Assebroek") == nis_of("8310", "Kortrijk") == "31005"
    assert nis_of("7780", "Kortrijk") is None


def test_a_name_is_found_however_it_is_typed() -> None:
    assert nis_of(name="knokke heist") == nis_of(name="KNOKKE-HEIST") == "31043"
    assert nis_of(name="Moeskroen") is None


def test_nothing_given_is_nowhere() -> None:
    assert PLACES.municipality_of(None, None, TODAY) is None
    assert PLACES.municipality_of("", "", TODAY) is None


@pytest.mark.parametrize(
    ("a", "b", "least", "most"),
    [("Brugge", "Kortrijk", 40, 45), ("Brugge", "Oostkamp", 5, 8), ("Ieper", "Poperinge", 10, 13)],
)
def test_distances_are_those_between_the_town_centres(a: str, b: str, least: float, most: float) -> None:
    from_place, to_place = PLACES.municipality_of(None, a, TODAY), PLACES.municipality_of(None, b, TODAY)
    assert from_place
    assert to_place
    assert least < distance_km(from_place, to_place) < most
    assert distance_km(from_place, to_place) == pytest.approx(distance_km(to_place, from_place))
    assert distance_km(from_place, (from_place.lon, from_place.lat)) == 0


def test_every_institution_lies_in_a_present_municipality() -> None:
    present = {place.nis for place in PLACES.municipalities_on(TODAY)}
    assert {school.nis for school in LISTS.institutions.by_number.values()} <= present


def test_an_institution_is_found_by_its_number() -> None:
    vti, pti = LISTS.institutions.get("34074"), LISTS.institutions.get("112318")
    assert vti
    assert pti
    assert (vti.name, vti.kind, vti.nis) == ("VTI Brugge", InstitutionKind.SCHOOL, "31005")
    assert pti.net is SchoolNet.POV
    assert LISTS.institutions.get("99999") is None


def test_every_kind_of_provider_is_there() -> None:
    assert {school.kind for school in LISTS.institutions.by_number.values()} == set(InstitutionKind)


def test_every_programme_is_dual_and_says_so_at_the_end_of_its_name() -> None:
    for course in LISTS.programmes.by_number.values():
        assert course.name.endswith(" duaal")
        assert (course.grade == 7) == course.finality.value.startswith("NA_")


def test_a_programme_is_found_by_its_number() -> None:
    course = LISTS.programmes.get("88")
    assert course
    assert course.name == "Elektrische installaties duaal"
    assert LISTS.programmes.get("99999") is None


def test_a_joint_committee_leads_to_its_sector_fund() -> None:
    garages, electricians = LISTS.joint_committees.get("112"), LISTS.joint_committees.get("149.01")
    assert garages
    assert electricians
    assert (garages.fund, electricians.fund) == ("Educam", "Volta")
    assert LISTS.joint_committees.get("149") is None
