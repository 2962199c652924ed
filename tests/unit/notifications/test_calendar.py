"""The calendar file of a referral: the day by which the partner acts."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from ical.calendar_stream import IcsCalendarStream
from ical.event import Event

from chassis.handling import BRUSSELS
from chassis.testing.builders import NOON
from contracts.vocabulary import ReferralKind, Topic
from services.notifications.adapters.calendar import referral_reminder
from services.notifications.adapters.reference import read_labels
from tests.builders import a_referral
from tests.unit.notifications.messages import a_message_for

REFERRAL = UUID("01935f2a-6c00-7000-8000-0000000000c1")
ORGANISER = "steunpunt@duaalwest.example"


def the_file(**given: Any) -> bytes | None:
    referral = a_referral(**{"referral_id": REFERRAL, "topic": Topic.T03, "due_on": date(2026, 12, 1), **given})
    return referral_reminder(a_message_for(referral), read_labels(), ORGANISER)


def the_event(**given: Any) -> Event:
    content = the_file(**given)
    assert content
    (event,) = IcsCalendarStream.calendar_from_ics(content.decode()).events
    return event


def test_it_is_at_nine_on_the_due_day_with_an_alarm_an_hour_before() -> None:
    event = the_event()
    assert event.dtstart == datetime(2026, 12, 1, 9, tzinfo=BRUSSELS)
    assert [alarm.trigger for alarm in event.alarm] == [-timedelta(hours=1)]


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        (ReferralKind.WARM, "Eerste contact: de studiekeuze"),
        (ReferralKind.HANDOVER, "Eerste contact: de studiekeuze"),
        (ReferralKind.CONSULT, "Antwoord: de studiekeuze"),
        (ReferralKind.ANSWER, "Antwoord: de studiekeuze"),
    ],
)
def test_it_says_what_has_to_be_done_as_the_mail_does(kind: ReferralKind, title: str) -> None:
    event = the_event(kind=kind)
    what = title.partition(":")[0]
    assert event.summary == title
    assert event.description == f"{what}: ten laatste op dinsdag 1 december 2026.\nDoorverwijzing: {REFERRAL}"


def test_who_has_nothing_to_do_gets_none() -> None:
    assert the_file(kind=ReferralKind.INFO) is None


def test_it_is_the_same_each_time_and_known_by_the_referral() -> None:
    event = the_event()
    assert (event.uid, event.sequence, event.dtstamp) == (str(REFERRAL), 0, NOON)
    assert the_file() == the_file()
