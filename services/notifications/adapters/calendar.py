"""The calendar files of notifications."""

from datetime import date, datetime, time, timedelta

from chassis.documents.calendar import Appointment, calendar_file
from chassis.handling import BRUSSELS
from contracts.vocabulary import ReferralKind
from services.notifications.adapters.dutch import written_day
from services.notifications.adapters.reference import Labels
from services.notifications.domain.message import Message

NINE = time(9, tzinfo=BRUSSELS)
HALF_AN_HOUR = timedelta(minutes=30)
AN_HOUR_BEFORE = timedelta(hours=1)
FIRST_CONTACT = {ReferralKind.WARM, ReferralKind.HANDOVER}


def referral_reminder(message: Message, labels: Labels, organiser: str) -> bytes | None:
    """For the partner that is asked to help: the day by which it acts, at nine, with an alarm an hour before.

    From the letter about a referral, so no name and not the question. None when the partner has nothing to do.
    """
    parameters = dict(message.parameters)
    kind, due_on = parameters.get("kind"), date.fromisoformat(parameters["due_on"])
    if kind == ReferralKind.INFO:
        return None
    what = "Eerste contact" if kind is None or kind in FIRST_CONTACT else "Antwoord"
    about = labels.word_for("topic", parameters["topic"], due_on) if "topic" in parameters else "een vraag"
    starts_at = datetime.combine(due_on, NINE)
    appointment = Appointment(
        id=message.about,
        version=0,
        title=f"{what}: {about}",
        text=f"{what}: ten laatste op {written_day(due_on)}.\nDoorverwijzing: {message.about}",
        starts_at=starts_at,
        ends_at=starts_at + HALF_AN_HOUR,
        organiser=organiser,
        remind_before=AN_HOUR_BEFORE,
    )
    return calendar_file(appointment, at=message.queued_at)
