"""School years: written as 2027-2028, from 1 September on."""

import re
from datetime import date


def first_day(school_year: str) -> date | None:
    """The day on which a school year starts; None when the text is not two consecutive years."""
    years = re.fullmatch(r"(20[0-9]{2})-(20[0-9]{2})", school_year)
    if years is None or int(years[2]) != int(years[1]) + 1:
        return None
    return date(int(years[1]), 9, 1)


def start_of_year_around(day: date) -> date:
    """The day on which the school year that `day` falls in started."""
    start = date(day.year, 9, 1)
    return start if start <= day else date(day.year - 1, 9, 1)
