"""Triage rules, policies and Dutch words, from dated data."""

from pathlib import Path

import holidays

from chassis.reference import read_rows
from contracts.codelists.working_days import WorkingDays
from services.intake.adapters.words import CrisisNumber, Label, Labels, ServiceName
from services.intake.domain.learner import SearchClock, SignalPolicy
from services.intake.domain.policies import FirstContact, Policies, Setting
from services.intake.domain.triage import Triage, TriageRule

REFERENCE = Path(__file__).parent.parent / "reference"


def read_triage() -> Triage:
    """The rules of `reference/triage.csv`."""
    return Triage(read_rows(REFERENCE / "triage.csv", TriageRule))


def read_policies() -> Policies:
    """Signals, search clocks, settings and terms of the first contact."""
    return Policies(
        signals=tuple(read_rows(REFERENCE / "signals.csv", SignalPolicy)),
        clocks=tuple(read_rows(REFERENCE / "search_clock.csv", SearchClock)),
        settings=tuple(read_rows(REFERENCE / "registration.csv", Setting)),
        first_contacts=tuple(read_rows(REFERENCE / "first_contact.csv", FirstContact)),
    )


def belgian_working_days() -> WorkingDays:
    """The legal holidays of Belgium, for any year."""
    return WorkingDays(holidays.country_holidays("BE"))


def read_labels() -> Labels:
    """The Dutch words for codes, and the names of the services of the referral directory."""
    services = read_rows(REFERENCE / "services.csv", ServiceName)
    return Labels([*read_rows(REFERENCE / "labels.csv", Label), *(one.as_label() for one in services)])


def read_crisis_numbers() -> tuple[CrisisNumber, ...]:
    """The numbers that stand on every form, in the order in which they are shown."""
    return tuple(read_rows(REFERENCE / "crisis_numbers.csv", CrisisNumber))
