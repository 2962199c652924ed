"""Given / when / then for one handler at a time: everything in memory, no loop, no store."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from chassis.handling import MessageContext
from chassis.projections import Projection, handlers_with
from chassis.testing.builders import a_context
from chassis.unit_of_work import LoadPlan, UnitOfWork
from contracts.event import Event, Timer


class Scenario:
    """The handlers of a service, its projections if the test is about them, and the aggregates and rows that exist."""

    def __init__(self, handlers: object, projections: Sequence[Projection[Any]] = ()) -> None:
        self._handlers = handlers_with(handlers, projections)
        self._aggregates: list[Any] = []
        self.timers: list[Timer] = []
        """Those that were set and did not fire yet."""
        self.answer: Any = None
        """What the last handler returned."""

    def given(self, *aggregates: Any) -> "Scenario":
        """These exist already."""
        self._aggregates += aggregates
        return self

    def when(self, message: object, ctx: MessageContext | None = None) -> list[Event]:
        """The message is handled; returns the events that it published."""
        handler = self._handlers[type(message)]
        plan = LoadPlan()
        plan.include(handler, message)
        plan.complete(lambda kind: [one for one in self.all(kind) if plan.includes(one)])
        unit_of_work = UnitOfWork()
        for kind in plan.kinds:
            unit_of_work.add_loaded(kind, [one for one in self.all(kind) if plan.includes(one)], plan)
        ctx = ctx or a_context()
        self.answer = handler.call(message, unit_of_work, ctx)
        unit_of_work.collect_events(ctx)
        for added in unit_of_work.added().values():
            self._aggregates += added
        for kind, projected in unit_of_work.projected.items():
            rows = projected.onto({row.id: row for row in self.all(kind)})
            self._aggregates = [one for one in self._aggregates if type(one) is not kind] + [*rows.values()]
        left = [recorded.event for recorded in unit_of_work.recorded]
        self.timers += [one for one in left if isinstance(one, Timer)]
        return [event for event in left if not isinstance(event, Timer)]

    def until(self, moment: datetime) -> list[Event]:
        """Time passes: what is due meanwhile is handled at its moment; returns the events that it published."""
        events: list[Event] = []
        while due := [timer for timer in self.timers if timer.due_at <= moment]:
            timer = min(due, key=attrgetter("due_at"))
            self.timers.remove(timer)
            events += self.when(timer, a_context(at=timer.due_at))
        return events

    def all(self, kind: type[Any]) -> list[Any]:
        """Every aggregate or row of a class, as it is now."""
        return [one for one in self._aggregates if type(one) is kind]
