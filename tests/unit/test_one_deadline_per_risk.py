"""A risk has one due date: intake decides it, and the referral to a partner has the same."""

from datetime import UTC, date, datetime

import pytest

from chassis.testing.builders import a_context
from chassis.testing.scenario import Scenario
from contracts.codelists import CodeLists
from contracts.codelists.working_days import WorkingDays
from contracts.intake import LearnerAtRisk
from contracts.referral import ReferralCreated
from contracts.vocabulary import RiskSignal
from services.intake.adapters.redaction import redact
from services.intake.adapters.reference import belgian_working_days, read_policies, read_triage
from services.intake.application.handlers import Handlers as IntakeHandlers
from services.referral.adapters.reference import read_directory
from services.referral.application.handlers import Handlers as ReferralHandlers
from tests.builders import a_learner_at_risk
from tests.unit.intake.test_handlers import a_risk

WORKING_DAYS = belgian_working_days()
CODE_LISTS = CodeLists.read()
SIGNALS = [signal for signal in RiskSignal if signal is not RiskSignal.UNKNOWN]
DAYS = [
    date(2026, 11, 23),  # a Monday
    date(2026, 11, 28),  # a Saturday
    date(2026, 12, 24),  # the day before Christmas
    date(2026, 12, 31),  # the last day of the year; 1 January is a Friday
    date(2027, 5, 5),  # the day before Ascension
    date(2027, 5, 7),  # the Friday after it
]


def risk_on(day: date, signal: RiskSignal, working_days: WorkingDays = WORKING_DAYS) -> LearnerAtRisk:
    """The event of intake for a risk that is reported at noon."""
    intake = IntakeHandlers(read_triage(), read_policies(), working_days, redact, CODE_LISTS)
    (event,) = Scenario(intake).when(a_risk(signal=signal), a_context(at=noon(day)))
    assert isinstance(event, LearnerAtRisk)
    return event


def referral_of(risk: LearnerAtRisk, day: date) -> ReferralCreated:
    """The referral of that risk."""
    (event,) = Scenario(ReferralHandlers(read_directory(), WORKING_DAYS)).when(risk, a_context(at=noon(day)))
    assert isinstance(event, ReferralCreated)
    return event


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 11, tzinfo=UTC)


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("signal", SIGNALS)
def test_intake_and_referral_give_a_risk_the_same_days_until_the_same_day(signal: RiskSignal, day: date) -> None:
    risk = risk_on(day, signal)
    referral = referral_of(risk, day)
    assert referral.due_on == risk.due_on
    assert referral.sla_days == read_policies().signal(signal, day).due_days


def test_a_bridge_day_in_the_calendar_of_intake_alone_moves_the_due_day_of_both() -> None:
    bridged = WorkingDays({date(2027, 5, 6), date(2027, 5, 7)})
    risk = risk_on(date(2027, 5, 5), RiskSignal.R2, bridged)
    assert referral_of(risk, date(2027, 5, 5)).due_on == risk.due_on == date(2027, 5, 10)


def test_a_risk_that_reaches_us_late_keeps_the_due_day_that_it_had() -> None:
    risk = a_learner_at_risk(opened_on=date(2026, 11, 16), due_on=date(2026, 11, 17))
    referral = referral_of(risk, date(2026, 11, 23))
    assert (referral.due_on, referral.sla_days) == (date(2026, 11, 17), 1)
