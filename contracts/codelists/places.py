"""The municipalities of West-Vlaanderen, their postal codes, and how far apart they are."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from math import asin, cos, radians, sin, sqrt

from contracts.codelists.dated import Dated, last_day, rows
from contracts.vocabulary import Subregion

EARTH_RADIUS_KM = 6371.0088


@dataclass(frozen=True, slots=True)
class Municipality(Dated):
    """A municipality as it exists between two dates; lon and lat are those of its main centre."""

    nis: str
    name: str
    arrondissement: str
    subregion: Subregion
    lon: float
    lat: float
    valid_from: date
    valid_to: date | None
    successor_nis: str | None


@dataclass(frozen=True, slots=True)
class PostalCode(Dated):
    """A postal code of a municipality; a merger moves it to the new municipality from its first day on."""

    postal_code: str
    nis: str
    is_main: bool
    valid_from: date
    valid_to: date | None


Point = tuple[float, float]
"""Longitude and latitude in degrees (WGS84)."""


@cache
def municipalities() -> Mapping[str, Municipality]:
    """Every municipality by NIS code, former ones too."""
    return {
        row["nis"]: Municipality(
            nis=row["nis"],
            name=row["name"],
            arrondissement=row["arrondissement"],
            subregion=Subregion(row["subregion"]),
            lon=float(row["lon"]),
            lat=float(row["lat"]),
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=last_day(row["valid_to"]),
            successor_nis=row["successor_nis"] or None,
        )
        for row in rows("municipalities")
    }


@cache
def postal_codes() -> tuple[PostalCode, ...]:
    return tuple(
        PostalCode(
            postal_code=row["postal_code"],
            nis=row["nis"],
            is_main=row["is_main"] == "true",
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=last_day(row["valid_to"]),
        )
        for row in rows("postal_codes")
    )


def municipality(nis: str) -> Municipality | None:
    """The municipality with this NIS code, even when it has merged since."""
    return municipalities().get(nis)


@cache
def municipalities_on(day: date) -> tuple[Municipality, ...]:
    return tuple(place for place in municipalities().values() if place.valid_on(day))


@lru_cache(10_000)
def municipality_of(postal_code: str | None, name: str | None, on: date) -> Municipality | None:
    """The municipality that someone means, as it exists on that day; None outside the province.

    A postal code decides alone: people write the name of a village, or of a municipality that has merged.
    """
    if postal_code:
        codes = (code for code in postal_codes() if code.postal_code == postal_code.strip() and code.valid_on(on))
        return _existing((municipalities()[code.nis] for code in codes), on)
    if name:
        meant = _plain(name)
        return _existing((place for place in municipalities().values() if _plain(place.name) == meant), on)
    return None


def distance_km(a: Municipality | Point, b: Municipality | Point) -> float:
    """Great-circle distance: as the crow flies, so every road is longer."""
    (lon_a, lat_a), (lon_b, lat_b) = _radians(a), _radians(b)
    half = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(half))


def _existing(candidates: Iterable[Municipality], on: date) -> Municipality | None:
    """The first candidate that exists on that day, itself or as its successor."""
    for candidate in candidates:
        place: Municipality | None = candidate
        while place and not place.valid_on(on):
            place = municipality(place.successor_nis) if place.successor_nis else None
        if place:
            return place
    return None


def _plain(name: str) -> str:
    """Spelling that people agree on: no case, accents, hyphens or spaces."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[^a-z]", "", letters)


def _radians(place: Municipality | Point) -> Point:
    lon, lat = (place.lon, place.lat) if isinstance(place, Municipality) else place
    return radians(lon), radians(lat)
