"""Triage rules and policies, from dated data."""

from pathlib import Path

import holidays

from chassis.reference import read_rows
from contracts.codelists.working_days import WorkingDays
from services.intake.domain.learner import SearchClock, SignalPolicy
from services.intake.domain.policies import Policies, Setting
from services.intake.domain.triage import Triage, TriageRule

REFERENCE = Path(__file__).parent.parent / "reference"


def read_triage() -> Triage:
    """The rules of `reference/triage.csv`."""
    return Triage(read_rows(REFERENCE / "triage.csv", TriageRule))


def read_policies() -> Policies:
    """Signals, search clocks and settings."""
    return Policies(
        signals=tuple(read_rows(REFERENCE / "signals.csv", SignalPolicy)),
        clocks=tuple(read_rows(REFERENCE / "search_clock.csv", SearchClock)),
        settings=tuple(read_rows(REFERENCE / "registration.csv", Setting)),
    )


def belgian_working_days() -> WorkingDays:
    """The legal holidays of Belgium, for any year."""
    return WorkingDays(holidays.country_holidays("BE"))
