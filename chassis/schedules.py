"""What a service does by the clock: a schedule is a cron line in Belgian time, and the message that it brings.

The leader of the relay keeps the next firing of every schedule among the timers. From there it is a timer as any other:
it goes to the outbox when it is due, and over the service's own topic to its handler.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from chassis.handling import BRUSSELS, MessageContext
from chassis.outbox_records import OutboxRecordFactory
from chassis.persistence.timers import WaitingTimer
from chassis.unit_of_work import RecordedEvent
from contracts.event import Timer

FIELDS = 5
"""Of a cron line. With six, cronsim counts seconds and no longer cares for the change of the clocks."""
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


class InvalidSchedule(ValueError):
    """A service declares a schedule that cannot work; says which and why."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A message at every moment of a cron line: minute, hour, day of the month, month, day of the week.

    The name is what the ids of the firings are made of: it stays when the line changes.

    When the clocks change, a line that names its hours and minutes fires once all the same: at the first of two hours
    of the same name, and directly after an hour that does not exist. A line with `*` for the minute or the hour follows
    the time that passes: every hour is every sixty minutes.

    After an outage the firing that was missed comes once, with the time at which it was due; those that would have
    followed it meanwhile do not come. So its handler does what is due by then, however much that is. A schedule that is
    new fires from now on. A firing that is set is not taken back: after a change of the line one more comes by the old.

    Raises:
        InvalidSchedule: the line is no cron line, or the message needs more than a timer has.
    """

    name: str
    cron: str
    message: type[Timer]

    def __post_init__(self) -> None:
        needed = {name for name, field in self.message.model_fields.items() if field.is_required()}
        if extra := needed - Timer.model_fields.keys():
            raise InvalidSchedule(f"schedule {self.name}: nobody fills in {', '.join(sorted(extra))} of its message")
        try:
            if len(self.cron.split()) != FIELDS:
                raise CronSimError(f"it needs {FIELDS} fields")
            self.next_after(SOME_DAY)
        except CronSimError as error:
            raise InvalidSchedule(f"schedule {self.name}: {self.cron!r} is no cron line: {error}") from None

    def next_after(self, moment: datetime) -> datetime:
        """The first firing after this moment, in UTC."""
        firings = CronSim(self.cron, moment.astimezone(BRUSSELS))
        # In the second of two hours of the same name, cronsim begins with firings of the first.
        return next(due for firing in firings if (due := firing.astimezone(UTC)) > moment)


def check(schedules: Sequence[Schedule], handled: Collection[type]) -> None:
    """Raises InvalidSchedule when two have the same name, or when nobody handles a message."""
    names = set()
    for schedule in schedules:
        if schedule.name in names:
            raise InvalidSchedule(f"schedule {schedule.name} is there twice")
        if schedule.message not in handled:
            raise InvalidSchedule(f"schedule {schedule.name}: no handler for {schedule.message.__name__}")
        names.add(schedule.name)


def next_firings(service: str, schedules: Sequence[Schedule], moment: datetime) -> list[WaitingTimer]:
    """The next firing of each schedule, with an id that follows from its name and its moment.

    Whoever sets these before firing what is due at the same moment loses none: when a firing leaves the timers, the
    next one is there already.
    """
    recorded = [_firing(service, schedule, schedule.next_after(moment)) for schedule in schedules]
    records = OutboxRecordFactory(service, lambda: moment)(recorded)
    return [WaitingTimer(one.cause.time, record) for one, record in zip(recorded, records, strict=True)]


def _firing(service: str, schedule: Schedule, due: datetime) -> RecordedEvent:
    cause = MessageContext(f"{schedule.name}/{due:%Y-%m-%dT%H:%MZ}", f"/services/{service}/schedules", "schedule", due)
    return RecordedEvent(schedule.message(timer_id=cause.new_id("timer"), due_at=due), 1, cause, due)
