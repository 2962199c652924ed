"""A calendar file is what RFC 5545 says, for software that is not ours."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest
from dateutil.tz import tzical
from ical.calendar import Calendar
from ical.calendar_stream import IcsCalendarStream

from chassis.documents.calendar import BRUSSELS_TIME, Appointment, calendar_file, content_type
from chassis.handling import BRUSSELS
from chassis.testing.builders import NOON

START = datetime(2026, 12, 1, 9, tzinfo=BRUSSELS)
MADE_KNOWN = Appointment(
    id=UUID("01935f2a-6c00-7000-8000-0000000000c1"),
    version=0,
    title="Eerste contact: één, twee; drie \\ vier",
    text="Ten laatste vandaag.\nDoorverwijzing: 1234, 'a\"b' – " + "heel lang " * 30 + "é" * 200,
    starts_at=START.astimezone(UTC),
    ends_at=START + timedelta(minutes=30),
    organiser="steunpunt@duaalwest.example",
    remind_before=timedelta(hours=1),
)
INVITED = replace(MADE_KNOWN, attendee="clb@partners.example")


def lines(appointment: Appointment) -> list[bytes]:
    return calendar_file(appointment, at=NOON).split(b"\r\n")


def as_read(appointment: Appointment) -> Calendar:
    """As another program reads it."""
    return IcsCalendarStream.calendar_from_ics(calendar_file(appointment, at=NOON).decode())


@pytest.mark.parametrize(
    ("appointment", "method", "status"),
    [
        (MADE_KNOWN, "PUBLISH", "CONFIRMED"),
        (INVITED, "REQUEST", "CONFIRMED"),
        (replace(MADE_KNOWN, version=1, cancelled=True), "CANCEL", "CANCELLED"),
        (replace(INVITED, version=1, cancelled=True), "CANCEL", "CANCELLED"),
    ],
)
def test_its_method_says_what_has_to_happen(appointment: Appointment, method: str, status: str) -> None:
    calendar = as_read(appointment)
    assert (calendar.method, calendar.events[0].status) == (method, status)
    assert content_type(appointment) == f"text/calendar; method={method}; charset=utf-8"


def test_every_version_has_the_same_uid_and_a_higher_sequence() -> None:
    versions = [
        MADE_KNOWN,
        replace(MADE_KNOWN, version=1, title="Later"),
        replace(MADE_KNOWN, version=2, cancelled=True),
    ]
    events = [as_read(one).events[0] for one in versions]
    assert {event.uid for event in events} == {"01935f2a-6c00-7000-8000-0000000000c1"}
    assert [event.sequence for event in events] == [0, 1, 2]


def test_another_program_reads_all_that_it_says() -> None:
    (event,) = as_read(INVITED).events
    assert (event.summary, event.description) == (INVITED.title, INVITED.text)
    assert (event.dtstart, event.dtend, event.dtstamp) == (START, INVITED.ends_at, NOON)
    assert str(event.organizer.uri if event.organizer else "") == "mailto:steunpunt@duaalwest.example"
    assert [str(one.uri) for one in event.attendees] == ["mailto:clb@partners.example"]


def test_who_is_only_told_is_not_asked_and_not_busy() -> None:
    assert b"ATTENDEE" not in calendar_file(MADE_KNOWN, at=NOON)
    assert [b"TRANSP:TRANSPARENT" in lines(MADE_KNOWN), b"TRANSP:OPAQUE" in lines(INVITED)] == [True, True]


def test_it_reminds_before_its_start_unless_it_is_cancelled() -> None:
    (alarm,) = as_read(MADE_KNOWN).events[0].alarm
    assert (alarm.action, alarm.trigger) == ("DISPLAY", -timedelta(hours=1))
    assert as_read(replace(MADE_KNOWN, cancelled=True)).events[0].alarm == []


def test_no_line_is_longer_than_75_bytes_and_each_ends_as_it_should() -> None:
    content = calendar_file(MADE_KNOWN, at=NOON)
    assert content.endswith(b"END:VCALENDAR\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert max(map(len, lines(MADE_KNOWN))) == 75
    for line in lines(MADE_KNOWN):
        line.decode()


@pytest.mark.parametrize("month", [3, 10])
@pytest.mark.parametrize("year", [2026, 2027, 2032])
def test_its_clocks_change_when_those_of_brussels_do(year: int, month: int) -> None:
    theirs = tzical(StringIO(BRUSSELS_TIME)).get("Europe/Brussels")
    for half_hour in range(7 * 48):
        moment = datetime(year, month, 25, tzinfo=UTC) + half_hour * timedelta(minutes=30)
        assert f"{moment.astimezone(theirs):%d %H:%M}" == f"{moment.astimezone(BRUSSELS):%d %H:%M}"


def test_its_times_name_the_zone_that_it_brings() -> None:
    assert b"DTSTART;TZID=Europe/Brussels:20261201T090000" in lines(MADE_KNOWN)
    assert [zone.tz_id for zone in as_read(MADE_KNOWN).timezones] == ["Europe/Brussels"]


def test_the_same_input_is_the_same_bytes() -> None:
    assert calendar_file(MADE_KNOWN, at=NOON) == calendar_file(MADE_KNOWN, at=NOON)
