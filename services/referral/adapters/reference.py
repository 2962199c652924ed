"""The directory, the signals and the holidays, from dated data."""

from pathlib import Path

import holidays

from chassis.reference import read_rows
from contracts.codelists.working_days import WorkingDays
from services.referral.domain.directory import Directory, Rule, ServiceOperator, SignalRule

REFERENCE = Path(__file__).parent.parent / "reference"


def read_directory() -> Directory:
    """The directory of `reference/`."""
    return Directory(
        read_rows(REFERENCE / "rules.csv", Rule),
        read_rows(REFERENCE / "signals.csv", SignalRule),
        read_rows(REFERENCE / "service_operators.csv", ServiceOperator),
    )


def belgian_working_days() -> WorkingDays:
    """The legal holidays of Belgium, for any year."""
    return WorkingDays(holidays.country_holidays("BE"))
