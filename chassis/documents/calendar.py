"""Calendar files (iCalendar): one appointment, as the programs of others take it over, change it and remove it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from icalendar import Alarm, Calendar, Event, Timezone

from chassis.handling import BRUSSELS

PROGRAM = "-//Provinciaal Steunpunt Duaal Leren West-Vlaanderen//Agenda//NL"
BRUSSELS_TIME = """\
BEGIN:VTIMEZONE
TZID:Europe/Brussels
BEGIN:DAYLIGHT
DTSTART:19970330T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZNAME:CEST
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZNAME:CET
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
"""
"""The law since 1996, for programs that do not know the name. What icalendar derives is an hour late in March."""


class Method(StrEnum):
    """What the reader's calendar does with the appointment."""

    PUBLISH = "PUBLISH"
    """shows it; nothing is asked"""
    REQUEST = "REQUEST"
    """asks the attendee whether he or she comes"""
    CANCEL = "CANCEL"
    """removes it"""


@dataclass(frozen=True, slots=True)
class Appointment:
    """Something at a moment. A calendar knows it by its id, and takes over what has a higher version."""

    id: UUID
    version: int
    """From 0; one more with every change, also when it is cancelled."""
    title: str
    text: str
    starts_at: datetime
    ends_at: datetime
    organiser: str
    """Mail address."""
    attendee: str | None = None
    """Mail address of who is invited; None: it is only made known."""
    remind_before: timedelta | None = None
    """How long before its start the reader's calendar reminds."""
    cancelled: bool = False

    @property
    def method(self) -> Method:
        """What the reader's calendar has to do now."""
        if self.cancelled:
            return Method.CANCEL
        return Method.REQUEST if self.attendee else Method.PUBLISH


def calendar_file(appointment: Appointment, *, at: datetime) -> bytes:
    """The file (.ics) of one appointment; `at` is when this version of it was made. The same input, the same bytes."""
    calendar = Calendar()
    calendar.add("prodid", PROGRAM)
    calendar.add("version", "2.0")
    calendar.add("method", appointment.method)
    calendar.add_component(Timezone.from_ical(BRUSSELS_TIME))
    calendar.add_component(_event(appointment, at))
    content: bytes = calendar.to_ical()
    return content


def content_type(appointment: Appointment) -> str:
    """How the file is announced in a mail or an answer: its method has to be that of the content."""
    return f"text/calendar; method={appointment.method}; charset=utf-8"


def _event(appointment: Appointment, at: datetime) -> Event:
    event = Event()
    event.add("uid", str(appointment.id))
    event.add("sequence", appointment.version)
    event.add("dtstamp", at)
    event.add("summary", appointment.title)
    event.add("description", appointment.text)
    event.add("dtstart", appointment.starts_at.astimezone(BRUSSELS))
    event.add("dtend", appointment.ends_at.astimezone(BRUSSELS))
    event.add("organizer", f"mailto:{appointment.organiser}")
    if appointment.attendee:
        event.add("attendee", f"mailto:{appointment.attendee}", parameters={"RSVP": "TRUE"})
    # What is only made known leaves the reader free.
    event.add("transp", "OPAQUE" if appointment.attendee else "TRANSPARENT")
    event.add("status", "CANCELLED" if appointment.cancelled else "CONFIRMED")
    if appointment.remind_before and not appointment.cancelled:
        event.add_component(_alarm(appointment.title, appointment.remind_before))
    return event


def _alarm(title: str, before: timedelta) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", title)
    alarm.add("trigger", -before)
    return alarm
