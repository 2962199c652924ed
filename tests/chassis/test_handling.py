"""The declaration of handlers: mistakes are refused before the first record."""

from datetime import timedelta

import pytest

from chassis.handling import Handler, MessageContext, handlers_of, handles
from chassis.testing.builders import NOON, a_context
from chassis.testing.scenario import Scenario
from chassis.unit_of_work import UnitOfWork
from tests.chassis.tally import Begin, Begun, Count, Counted, Errand, GroupCounted, Handlers, Tally, a_count


def test_every_marked_method_is_a_handler_and_nothing_else_is() -> None:
    assert set(handlers_of(Handlers())) == {Counted, Begun, GroupCounted, Count, Begin}


def test_a_message_has_one_handler() -> None:
    class Two:
        @handles(Counted)
        def one(self, event: Counted, uow: UnitOfWork, ctx: MessageContext) -> None: ...

        @handles(Counted)
        def other(self, event: Counted, uow: UnitOfWork, ctx: MessageContext) -> None: ...

    with pytest.raises(TypeError, match="two handlers: one and other"):
        handlers_of(Two())


class Note:
    """Handles an event that other handlers handle too."""

    @handles(Counted)
    def note(self, event: Counted, uow: UnitOfWork, _: MessageContext) -> None:
        uow.add(Errand(event.tally_id, None))


def test_an_event_that_several_collections_handle_is_handled_by_each_with_what_it_loads() -> None:
    def count_hundred(event: Counted, uow: UnitOfWork, _: MessageContext) -> None:
        uow.get(Tally, event.tally_id).add(100)

    hundred = Handler(Counted, {Tally: ("tally_id",)}, count_hundred, "count_hundred")
    event = a_count(amount=5)
    scenario = Scenario((Note(), Handlers(), hundred)).given(Tally(event.tally_id, "all"))
    assert len(scenario.when(event)) == 2
    assert [tally.total for tally in scenario.all(Tally)] == [105]
    assert [errand.id for errand in scenario.all(Errand)] == [event.tally_id]


def test_a_command_has_one_answer() -> None:
    class Other:
        @handles(Count)
        def count_too(self, command: Count, uow: UnitOfWork, ctx: MessageContext) -> None: ...

    with pytest.raises(TypeError, match="Count has two handlers: count_by_hand and count_too"):
        handlers_of((Handlers(), Other()))


def test_a_handler_that_nobody_would_await_is_refused() -> None:
    async def count(_: object, event: Counted, uow: UnitOfWork, ctx: MessageContext) -> None: ...

    with pytest.raises(TypeError, match="count: a handler is synchronous"):
        handles(Counted)(count)


def test_ids_follow_from_the_message_and_the_name_alone() -> None:
    message = a_context()
    again = MessageContext(message.id, message.source, "other", NOON + timedelta(days=400))
    assert message.new_id("referral") == again.new_id("referral")
    assert len({message.new_id("referral"), message.new_id("letter"), a_context().new_id("referral")}) == 3


def test_today_is_the_day_in_belgium() -> None:
    assert a_context(at=NOON.replace(hour=22, minute=59)).today.day == NOON.day
    assert a_context(at=NOON.replace(hour=23, minute=1)).today.day == NOON.day + 1


def test_a_misspelt_load_is_refused_when_the_handler_is_declared() -> None:
    def count(_: object, event: Counted, uow: UnitOfWork, ctx: MessageContext) -> None: ...

    with pytest.raises(TypeError, match="Counted has no 'taly_id' to load by"):
        handles(Counted, loads={Tally: "taly_id"})(count)
