"""The municipalities of West-Vlaanderen, their postal codes, and how far apart they are."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
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


@dataclass(frozen=True)
class Places:
    """Every municipality by NIS code, former ones too, and every postal code."""

    municipalities: Mapping[str, Municipality]
    postal_codes: Sequence[PostalCode]

    @classmethod
    def read(cls) -> "Places":
        """Read the lists of this package."""
        return cls(
            {
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
            },
            tuple(
                PostalCode(
                    postal_code=row["postal_code"],
                    nis=row["nis"],
                    is_main=row["is_main"] == "true",
                    valid_from=date.fromisoformat(row["valid_from"]),
                    valid_to=last_day(row["valid_to"]),
                )
                for row in rows("postal_codes")
            ),
        )

    def municipality(self, nis: str) -> Municipality | None:
        """The municipality with this NIS code, even when it has merged since."""
        return self.municipalities.get(nis)

    def municipalities_on(self, day: date) -> tuple[Municipality, ...]:
        """Those that exist on that day."""
        return tuple(place for place in self.municipalities.values() if place.valid_on(day))

    def municipality_of(self, postal_code: str | None, name: str | None, on: date) -> Municipality | None:
        """The municipality, as it exists on that day, for a postal code or a name; None outside the province.

        With a postal code the name is not used: people write the name of a village, or of a municipality that merged.
        """
        if postal_code:
            codes = (code for code in self._by_postal_code.get(postal_code.strip(), ()) if code.valid_on(on))
            return self._existing((self.municipalities[code.nis] for code in codes), on)
        if name:
            return self._existing(self._by_name.get(_plain(name), ()), on)
        return None

    def _existing(self, candidates: Iterable[Municipality], on: date) -> Municipality | None:
        """The first candidate that exists on that day, or whose successor does."""
        for candidate in candidates:
            place: Municipality | None = candidate
            while place and not place.valid_on(on):
                place = self.municipality(place.successor_nis) if place.successor_nis else None
            if place:
                return place
        return None

    @cached_property
    def _by_postal_code(self) -> Mapping[str, Sequence[PostalCode]]:
        """One code has several rows: a merger moves it."""
        found: dict[str, list[PostalCode]] = defaultdict(list)
        for code in self.postal_codes:
            found[code.postal_code].append(code)
        return found

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[Municipality]]:
        """One name can have several rows: a new municipality may keep the name of one that merged into it."""
        found: dict[str, list[Municipality]] = defaultdict(list)
        for place in self.municipalities.values():
            found[_plain(place.name)].append(place)
        return found


def distance_km(a: Municipality | Point, b: Municipality | Point) -> float:
    """Great-circle distance; the distance by road is longer."""
    (lon_a, lat_a), (lon_b, lat_b) = _radians(a), _radians(b)
    half = sin((lat_b - lat_a) / 2) ** 2 + cos(lat_a) * cos(lat_b) * sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(sqrt(half))


def _plain(name: str) -> str:
    """A name without case, accents, hyphens and spaces, so that spellings of one name compare as equal."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[^a-z]", "", letters)


def _radians(place: Municipality | Point) -> Point:
    lon, lat = (place.lon, place.lat) if isinstance(place, Municipality) else place
    return radians(lon), radians(lat)
